import { describeSink } from '../sink.suite.ts'
import { storeRig } from '../store.fixture.ts'

const TOKEN = 'ya29.planted-token-of-google'

const says = (code: number, message: string): string => JSON.stringify({ error: { code, message } })

describeSink({
  kind: 'gcs',
  without: {
    refuse: 'a bucket takes any bytes',
    'refuse the second': 'one object a request',
  },
  start: (manner) =>
    storeRig(manner, {
      settings: (endpoint) => ({
        section: { bucket: 'audit', prefix: 'databricks/', endpoint, token: 'env:TOKEN' },
        secrets: { 'env:TOKEN': TOKEN },
      }),
      nameOf: ({ url = '' }) => {
        const { pathname, searchParams } = new URL(url, 'http://localhost')
        const options = ['uploadType', 'contentEncoding', 'ifGenerationMatch'].map((name) => searchParams.get(name))
        if (pathname !== '/upload/storage/v1/b/audit/o' || String(options) !== 'media,gzip,0') throw new Error(url)
        return searchParams.get('name') ?? ''
      },
      words: {
        busy: { status: 429, body: says(429, `Slow down, ${TOKEN}`) },
        broken: { status: 503, body: says(503, `Backend error, ${TOKEN}`) },
        'refuse credentials': { status: 401, body: says(401, `Invalid Credentials: Bearer ${TOKEN}`) },
        taken: { status: 412, body: says(412, 'At least one of the pre-conditions you specified did not hold.') },
      },
    }),
})
