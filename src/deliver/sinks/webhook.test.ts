import { describeSink } from '../sink.suite.ts'
import { webRig } from '../web.fixture.ts'

// What is its own is in message-lane.test.ts.
describeSink({
  kind: 'webhook',
  without: {
    'refuse the second': 'one message a request',
    'plain letters': 'a program reads it',
  },
  start: (manner) =>
    webRig(manner, {
      settings: (url) => ({
        section: { url, secrets: ['env:HOOK'], allow_private: true },
        secrets: { 'env:HOOK': `whsec_${Buffer.from('planted secret of a webhook').toString('base64')}` },
      }),
      keys: ({ headers }) => [String(headers['webhook-id'])],
    }),
})
