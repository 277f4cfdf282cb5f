/** Destinations of alerts against programs that run here: rsyslog over TLS, and Alertmanager. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { certificate } from '../../src/deliver/certificate.fixture.ts'
import type { Item } from '../../src/deliver/contract.ts'
import { anAlert } from '../../src/deliver/message.fixture.ts'
import type { AlertMessage } from '../../src/deliver/message.ts'
import { check, same } from './check.ts'
import { event, opened, send, using, WORDS } from './deliver.ts'
import { freePort, has, skipped, start } from './servers.ts'

const folder = await mkdtemp(join(tmpdir(), 'bricktrail-alerts-'))

const alert = (more: Partial<AlertMessage> = {}, id = `message-${more.action ?? 'opened'}`): Item => {
  const now = new Date().toISOString()
  const before = new Date(Date.now() - 60_000).toISOString()
  const message = anAlert({ firstTime: before, lastTime: now, sentTime: now, summary: WORDS, ...more })
  return { id, key: message.dedupKey, timeMs: Date.now(), text: JSON.stringify(message) }
}

/** Asks until the answer is as expected, or time is up; the last answer tells the difference. */
async function eventually<T>(ask: () => Promise<T>, expected: T): Promise<void> {
  for (let tries = 0; tries < 100 && JSON.stringify(await ask()) !== JSON.stringify(expected); tries++) await sleep(100)
  same(await ask(), expected)
}

interface Received {
  readonly msg: string
  readonly msgid: string
  readonly pri: string
  readonly 'structured-data': string
}

async function rsyslog(): Promise<void> {
  const port = await freePort()
  const [conf, out] = [join(folder, 'rsyslog.conf'), join(folder, 'received.json')]
  const { file } = certificate(folder, 'rsyslog')
  const other = certificate(folder, 'other')
  await writeFile(
    conf,
    `global(workDirectory="${folder}" maxMessageSize="256k" defaultNetstreamDriverCAFile="${file}"
  defaultNetstreamDriverCertFile="${file}" defaultNetstreamDriverKeyFile="${join(folder, 'rsyslog.key')}")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon" maxFrameSize="262144")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="whole" type="string" string="%jsonmesg%\\n")
action(type="omfile" file="${out}" template="whole")
`,
  )
  const args = ['-n', '-f', conf, '-i', join(folder, 'rsyslog.pid')]
  const server = await start({ command: 'rsyslogd', args, port })
  const received = async () => {
    const text = await readFile(out, 'utf8').catch(() => '')
    // The last line may still be being written.
    const lines = text.split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Received)
  }
  const place = { host: '127.0.0.1', port, ca: file, enterprise: 32473 }
  try {
    await check('rsyslog over TLS: an alert is one message, with all its letters and its structured data', () =>
      using(opened('syslog', place), async (sink) => {
        same(await send(sink, [alert()]), { kind: 'delivered' })
        await eventually(async () => (await received()).length, 1)
        const [one] = await received()
        same([one?.msgid, one?.pri], ['ALERT', String(13 * 8 + 3)])
        same(/^\[bricktrail@32473 id="message-opened" action="opened" /.test(one?.['structured-data'] ?? ''), true)
        const message = JSON.parse((one?.msg ?? '').replace(/^[\ufeff\s]+/, '')) as AlertMessage
        same(message.summary, WORDS)
      }),
    )
    await check('rsyslog over TLS: many events over one connection, each its own message, the long ones too', () =>
      using(opened('event-syslog', { ...place, longest: 200_000 }), async (sink) => {
        const before = (await received()).length
        const long = event(7, { text: JSON.stringify({ long: 'x'.repeat(150_000) }) })
        const batch = [...Array.from({ length: 200 }, (_, n) => event(n + 100)), long]
        same(await send(sink, batch), { kind: 'delivered' })
        await eventually(async () => (await received()).length - before, 201)
        same((await received()).at(-1)?.msg.includes('x'.repeat(150_000)), true)
      }),
    )
    await check('rsyslog over TLS: a certificate that is not trusted blames the settings', () =>
      using(opened('syslog', { ...place, ca: other.file }), async (sink) =>
        same((await send(sink, [alert()])).kind, 'misconfigured'),
      ),
    )
  } finally {
    await server.stop()
  }
}

interface Ringing {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly status: { readonly state: string }
}

async function alertmanager(): Promise<void> {
  const port = await freePort()
  const conf = join(folder, 'alertmanager.yml')
  await writeFile(conf, 'route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n')
  const address = `127.0.0.1:${port}`
  const args = [
    `--config.file=${conf}`,
    `--storage.path=${join(folder, 'alertmanager')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ]
  const server = await start({ command: 'prometheus-alertmanager', args, port })
  const url = `http://${address}`
  const ringing = async () => (await (await fetch(`${url}/api/v2/alerts`)).json()) as Ringing[]
  const levels = async () => (await ringing()).map(({ labels }) => labels.severity)
  try {
    await check('Alertmanager: an alert rings, with its words', () =>
      using(opened('alertmanager', { url, allow_private: true }), async (sink) => {
        same(await send(sink, [alert()]), { kind: 'delivered' })
        await eventually(levels, ['high'])
        same(JSON.stringify(await ringing()).includes('東京 🙂'), true)
      }),
    )
    await check('Alertmanager: the same again is the same alert, and a resolved one rings no more', () =>
      using(opened('alertmanager', { url, allow_private: true }), async (sink) => {
        same(await send(sink, [alert({}, 'again')]), { kind: 'delivered' })
        await eventually(levels, ['high'])
        same(await send(sink, [alert({ action: 'resolved', status: 'resolved' })]), { kind: 'delivered' })
        await eventually(levels, [])
      }),
    )
  } finally {
    await server.stop()
  }
}

try {
  if (has('rsyslogd') && has('openssl')) await rsyslog()
  else skipped('rsyslog over TLS', 'rsyslogd with its driver for TLS, or openssl, is not installed')
  if (has('prometheus-alertmanager')) await alertmanager()
  else skipped('Alertmanager', 'prometheus-alertmanager is not installed')
  await check('Alertmanager and syslog: nobody there is tried again', async () => {
    const port = await freePort()
    const section = { url: `http://127.0.0.1:${port}`, allow_private: true }
    await using(opened('alertmanager', section), async (sink) => same((await send(sink, [alert()])).kind, 'again'))
    const plain = { host: '127.0.0.1', port, tls: false }
    await using(opened('syslog', plain), async (sink) => same((await send(sink, [alert()])).kind, 'again'))
  })
} finally {
  await rm(folder, { recursive: true, force: true })
}
