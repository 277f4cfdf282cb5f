/**
 * What the destination `otlp` sends, read by the definitions that OpenTelemetry publishes, and taken by the receiver of its collector, which
 * `otel-go` runs; and what the destination `splunk-hec` sends, taken by its receiver of that.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { receiver } from '../../src/deliver/receiver.fixture.ts'
import { check, same } from './check.ts'
import { event, events, opened, send, using, WORDS } from './deliver.ts'
import { python } from './install.ts'
import { freePort, has, skipped, start } from './servers.ts'

/** Reads a request from JSON, strictly, and tells what it holds after a way through the binary form. */
const READ = `
import json, sys
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
request = Parse(sys.stdin.read(), ExportLogsServiceRequest(), ignore_unknown_fields=False)
request = ExportLogsServiceRequest.FromString(request.SerializeToString())
records = [record for resource in request.resource_logs for scope in resource.scope_logs for record in scope.log_records]
print(json.dumps({
  'resource': {each.key: each.value.string_value for each in request.resource_logs[0].resource.attributes},
  'records': [{
    'time': record.time_unix_nano // 1000000,
    'severity': record.severity_number,
    'name': record.event_name,
    'body': record.body.string_value,
    'id': record.attributes[0].value.string_value,
  } for record in records],
}))
`

interface Read {
  readonly resource: Readonly<Record<string, string>>
  readonly records: readonly Readonly<Record<string, unknown>>[]
}

await check('OpenTelemetry: its own definitions read what is sent, and nothing is unknown to them', async () => {
  const there = await receiver(() => ({ status: 200, body: '{}' }))
  try {
    await using(opened('otlp', { url: there.url, resource: { 'deployment.environment': 'prod' } }), async (sink) => {
      same(await send(sink, events(0, 100)), { kind: 'delivered' })
      const { command, env } = python(import.meta.dirname)
      const read = spawnSync(command, ['-c', READ], {
        env,
        input: there.posted[0]?.body ?? '',
        encoding: 'utf8',
        timeout: 60_000,
      })
      same([read.status, read.stderr], [0, ''])
      const { resource, records } = JSON.parse(read.stdout) as Read
      same(resource, { 'service.name': 'databricks', 'deployment.environment': 'prod' })
      same(records.length, 100)
      const { id, timeMs: sent } = event(7)
      const { time, body, ...rest } = records[7] ?? {}
      same(rest, { severity: 9, name: 'databricks.audit', id })
      same([JSON.parse(String(body)).words, Math.abs(Number(time) - sent) < 60_000], [WORDS, true])
    })
  } finally {
    await there.close()
  }
})

/** As the collector prints what it took. */
interface Taken {
  readonly resourceLogs: readonly { readonly scopeLogs: readonly { readonly logRecords: readonly TakenRecord[] }[] }[]
}

interface TakenRecord {
  readonly timeUnixNano: string
  readonly severityNumber?: number
  readonly eventName?: string
  readonly body: { readonly stringValue?: string; readonly kvlistValue?: { readonly values: readonly Attribute[] } }
  readonly attributes: readonly Attribute[]
}

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string }
}

const recordsOf = (lines: string): readonly TakenRecord[] =>
  lines
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => (JSON.parse(line) as Taken).resourceLogs)
    .flatMap(({ scopeLogs }) => scopeLogs)
    .flatMap(({ logRecords }) => logRecords)

const textOf = (attributes: readonly Attribute[], name: string): string | undefined =>
  attributes.find(({ key }) => key === name)?.value.stringValue

const ids = (from: number, to: number): string[] => events(from, to).map(({ id }) => id)

/** The Go that the collector asks for, 1.x. */
const NEEDED_GO = 24

/** Builds the receivers; tells why they cannot be. */
function built(program: string): string | undefined {
  if (!has('go')) return 'Go is not installed'
  const { stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' })
  if (Number(/go1\.(\d+)/.exec(stdout)?.[1] ?? 0) < NEEDED_GO) return `they need Go 1.${NEEDED_GO}`
  const cwd = join(import.meta.dirname, 'otel-go')
  const args = ['build', '-buildvcs=false', '-mod=readonly', '-o', program, '.']
  const { status, stderr, error } = spawnSync('go', args, { cwd, encoding: 'utf8', timeout: 8 * 60_000 })
  if (status !== 0) throw new Error(`go build: ${error?.message ?? stderr}`)
  return undefined
}

const folder = await mkdtemp(join(tmpdir(), 'bricktrail-otel-'))
try {
  const program = join(folder, 'otel-go')
  const why = built(program)
  if (why !== undefined) skipped("the OpenTelemetry collector's receivers", why)
  else await receive(program)
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function receive(program: string): Promise<void> {
  const [port, hecPort] = [await freePort(), await freePort()]
  const file = join(folder, 'taken.ndjson')
  const args = [`127.0.0.1:${port}`, `127.0.0.1:${hecPort}`, file]
  const server = await start({ command: program, args, port: hecPort })
  let read = 0
  /** What came since the last time. */
  const taken = async () => {
    const records = recordsOf(await readFile(file, 'utf8'))
    const before = read
    read = records.length
    return records.slice(before)
  }
  const url = `http://127.0.0.1:${port}`
  const hec = { url: `http://127.0.0.1:${hecPort}`, token: 'env:HEC', sourcetype: 'databricks:audit' }
  try {
    await check('OpenTelemetry: the receiver of OTLP takes every event once, as it was sent', async () => {
      await using(opened('otlp', { url }), async (sink) => {
        for (let from = 0; from < 3000; from += 1000)
          same(await send(sink, events(from, from + 1000)), { kind: 'delivered' })
      })
      const records = await taken()
      same(
        records.map(({ attributes }) => textOf(attributes, 'event.id')),
        ids(0, 3000),
      )
      const { severityNumber, eventName, body, timeUnixNano } = records[7] as TakenRecord
      same([severityNumber, eventName, JSON.parse(body.stringValue ?? '').words], [9, 'databricks.audit', WORDS])
      same(Math.abs(Number(timeUnixNano) / 1e6 - event(7).timeMs) < 60_000, true)
    })
    await check('OpenTelemetry: a path that the receiver does not have is a fault of the settings', async () => {
      await using(opened('otlp', { url: `${url}/elsewhere` }), async (sink) => {
        same((await send(sink, events(0, 1))).kind, 'misconfigured')
      })
    })
    await check(
      'OpenTelemetry: the receiver of Splunk HEC takes every event once, with its id as a field',
      async () => {
        await using(opened('splunk-hec', hec, { 'env:HEC': 'any' }), async (sink) => {
          for (let from = 0; from < 3000; from += 1000)
            same(await send(sink, events(from, from + 1000)), { kind: 'delivered' })
        })
        const records = await taken()
        same(
          records.map(({ attributes }) => textOf(attributes, 'event_id')),
          ids(0, 3000),
        )
        const { body, timeUnixNano } = records[7] as TakenRecord
        same(textOf(body.kvlistValue?.values ?? [], 'words'), WORDS)
        same(Math.abs(Number(timeUnixNano) / 1e6 - event(7).timeMs) < 60_000, true)
      },
    )
  } finally {
    await server.stop()
  }
}
