/** What the destination `otlp` sends, read by the definitions that OpenTelemetry publishes: the classes that a collector reads it with. */
import { spawnSync } from 'node:child_process'
import { receiver } from '../../src/deliver/receiver.fixture.ts'
import { check, same } from './check.ts'
import { event, events, opened, send, using, WORDS } from './deliver.ts'
import { python } from './install.ts'

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
