import { appendFile, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lit } from '../engine/sql.ts'
import { SIMULATE_DEFAULTS, simulate } from '../simulate/simulate.ts'
import {
  asAzure,
  asSystemRow,
  BATCH_SIZES,
  deliveryLines,
  deliveryRecord,
  TakingBench,
  totals,
} from './taking.fixture.ts'

// Small and large batches are read by statements of their own, which must read all alike.
describe.each(BATCH_SIZES)('in $size batches', ({ smallBatchBytes }) => {
  let bench: TakingBench
  beforeEach(async () => {
    bench = await TakingBench.open('home', smallBatchBytes)
  })
  afterEach(() => bench.close())

  const lines = (records: readonly unknown[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('')
  const records = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n) => deliveryRecord(from + n))

  describe('one object', () => {
    /** What each object holds: the records 1 to 4. */
    const ways: Record<string, string | Uint8Array> = {
      'plain.json': deliveryLines(1, 4),
      'no-last-break.json': deliveryLines(1, 4).trimEnd(),
      'packed.json.gz': gzipSync(deliveryLines(1, 4)),
      'packed.json.zst': zstdCompressSync(deliveryLines(1, 4)),
      'gzip-called.json': gzipSync(deliveryLines(1, 4)),
      'plain-called.json.gz': deliveryLines(1, 4),
      'members.gz': Buffer.concat([gzipSync(deliveryLines(1, 2)), gzipSync(''), gzipSync(deliveryLines(3, 4))]),
      'frames.zst': Buffer.concat([zstdCompressSync(deliveryLines(1, 2)), zstdCompressSync(deliveryLines(3, 4))]),
      'array.json': JSON.stringify(records(1, 4)),
      'array-printed.json': JSON.stringify(records(1, 4), null, 2),
      'array-packed.gz': gzipSync(JSON.stringify(records(1, 4), null, 2)),
      'array-frames.zst': Buffer.concat([
        zstdCompressSync(`${JSON.stringify(records(1, 2)).slice(0, -1)},`),
        zstdCompressSync(JSON.stringify(records(3, 4)).slice(1)),
      ]),
      'printed.json': records(1, 4)
        .map((record) => JSON.stringify(record, null, 2))
        .join('\n'),
      'run-together.json': records(1, 4)
        .map((record) => JSON.stringify(record))
        .join(''),
      'crlf.json': deliveryLines(1, 4).replaceAll('\n', '\r\n'),
      'cr.json': deliveryLines(1, 4).replaceAll('\n', '\r'),
      'bom.json': `\uFEFF${deliveryLines(1, 4)}`,
      'blank-lines.json': `\n \n${deliveryLines(1, 2)}\n\r\n\t\n\v\f\n${deliveryLines(3, 4)}\n\n`,
      'no extension': deliveryLines(1, 4),
    }

    for (const [name, content] of Object.entries(ways)) {
      test(`${name}: four records are four events`, async () => {
        const report = await bench.take(await bench.file(name, content))
        expect(report).toMatchObject({ objects: 1, records: 4, events: 4, duplicates: 0, rejects: 0 })
        expect(await bench.eventCount()).toEqual({ rows: 4, ids: 4 })
        expect(bench.takings()).toMatchObject([
          { records: 4, events: 4, first_byte: 0, last_byte: Buffer.byteLength(content) },
        ])
      })
    }

    test('all these ways are the same four events', async () => {
      for (const [name, content] of Object.entries(ways)) await bench.file(join('logs', name), content)
      const report = await bench.take(join(bench.folder, 'logs'))
      const objects = Object.keys(ways).length
      expect(report).toMatchObject({
        objects,
        records: objects * 4,
        events: 4,
        duplicates: (objects - 1) * 4,
        rejects: 0,
      })
    })

    test('a single printed record is one event', async () => {
      const report = await bench.take(await bench.file('one.json', JSON.stringify(deliveryRecord(1), null, '\t')))
      expect(report).toMatchObject({ records: 1, events: 1 })
    })

    test('a file with odd characters in its path is taken like any other', async () => {
      const names = [
        "[x]*?{}'quoted', Größe 1 … 😀.json",
        'workspaceId=42/date=2026-11-10/auditlogs_1.json',
        'a\\b.json',
        '~.json',
      ]
      for (const [n, name] of names.entries())
        await bench.file(join('logs [0-9]*', name), deliveryLines(n * 10, n * 10 + 2))
      const report = await bench.take(join(bench.folder, 'logs [0-9]*'))
      expect(report).toMatchObject({ objects: 4, records: 12, events: 12 })
      const objects = await bench.events<{ o: string }>('DISTINCT source_object AS o', 'ORDER BY 1')
      expect(objects.map(({ o }) => o)).toEqual(names.map((name) => join(bench.folder, 'logs [0-9]*', name)).sort())
    })

    test('the workspace comes from the path where the record does not name it', async () => {
      const record = deliveryRecord(1, { orgId: undefined })
      await bench.take(await bench.file('workspaceId=42/date=2026-11-10/a.json', lines([record])))
      expect(await bench.events('workspace_id')).toEqual([{ workspace_id: '42' }])
    })
  })

  describe('sources', () => {
    test('a folder may mix forms and shapes; what is no log by its nature is passed by', async () => {
      await bench.file('logs/a/delivery.json', deliveryLines(1, 5))
      await bench.file('logs/b/azure.json', lines(records(6, 8).map(asAzure)))
      await bench.file('logs/b/hub.json', `${JSON.stringify({ records: records(9, 10).map(asAzure) })}\n`)
      await bench.file('logs/c/rows.json', lines(records(11, 12).map(asSystemRow)))
      await bench.file('logs/labels.json', JSON.stringify({ version: 1, scenarios: [{ id: 'x' }] }, null, 1))
      await bench.file('logs/_SUCCESS', '')
      await bench.file('logs/.hidden.json', deliveryLines(50, 51))
      await bench.file('logs/_delta_log/0.json', deliveryLines(50, 51))
      const report = await bench.take(join(bench.folder, 'logs'))
      expect(report).toMatchObject({ objects: 4, skipped: 1, records: 12, events: 12, rejects: 0 })
      const forms = await bench.events<{ form: string; n: string }>('form, count(*) AS n', 'GROUP BY 1 ORDER BY 1')
      expect(forms).toEqual([
        { form: 'azure', n: '5' },
        { form: 'delivery', n: '5' },
        { form: 'system-table', n: '2' },
      ])
    })

    test('a glob takes what it matches', async () => {
      await bench.file('logs/a.json', deliveryLines(1, 2))
      await bench.file('logs/b.log', deliveryLines(3, 4))
      await bench.file('logs/deep/c.json', deliveryLines(5, 6))
      expect(await bench.take(join(bench.folder, 'logs/*.json'))).toMatchObject({ objects: 1, events: 2 })
      expect(await bench.take(join(bench.folder, 'logs/**/*.json'))).toMatchObject({
        objects: 1,
        unchanged: 1,
        events: 2,
      })
    })

    test('standard input is taken, and the same again changes nothing', async () => {
      expect(await bench.take('-', { stdin: deliveryLines(1, 3) })).toMatchObject({ records: 3, events: 3 })
      expect(await bench.take('-', { stdin: deliveryLines(1, 3) })).toMatchObject({ unchanged: 1, records: 0 })
      expect(await bench.take('-', { stdin: deliveryLines(3, 4) })).toMatchObject({
        records: 2,
        events: 1,
        duplicates: 1,
      })
    })

    test('several sources are taken together, one named twice only once', async () => {
      const path = await bench.file('logs/a.json', deliveryLines(1, 2))
      const report = await bench.take([path, join(bench.folder, 'logs'), '-'], { stdin: deliveryLines(2, 3) })
      expect(report).toMatchObject({ objects: 2, records: 4, events: 3, duplicates: 1 })
    })

    test('links are followed, each folder once, and a link to nowhere is named', async () => {
      await bench.file('elsewhere/a.json', deliveryLines(1, 2))
      await mkdir(join(bench.folder, 'logs'))
      await symlink(join(bench.folder, 'elsewhere'), join(bench.folder, 'logs/linked'))
      await symlink(join(bench.folder, 'logs'), join(bench.folder, 'elsewhere/round'))
      await symlink(join(bench.folder, 'nowhere'), join(bench.folder, 'logs/dangling.json'))
      const report = await bench.take(join(bench.folder, 'logs'))
      expect(report).toMatchObject({ objects: 1, events: 2 })
      expect(report.unreadable).toMatchObject([{ object: join(bench.folder, 'logs/dangling.json') }])
    })

    test('a home within the folder is no source', async () => {
      await bench.file('a.json', deliveryLines(1, 2))
      expect(await bench.take(bench.folder)).toMatchObject({ objects: 1, events: 2 })
      expect(await bench.take(bench.folder)).toMatchObject({ objects: 0, unchanged: 1 })
      expect(await bench.take(join(bench.folder, '**/*.json'))).toMatchObject({ objects: 0, unchanged: 1 })
    })

    test('a home whose path looks like a pattern is a home like any other', async () => {
      const home = await bench.anotherHome("it's [x]* date=2026-01-01")
      const path = await bench.file('a.json', `${deliveryLines(1, 40)}{broken\n`)
      expect(await bench.take(path, { home })).toMatchObject({ events: 40, rejects: 1 })
      await bench.file('a.json', deliveryLines(30, 50))
      expect(await bench.take(path, { home })).toMatchObject({ records: 21, events: 10, duplicates: 11 })
      expect(await bench.eventCount(home)).toEqual({ rows: 50, ids: 50 })
    })
  })

  describe('the tables of a system.access.audit export', () => {
    const rows = records(1, 6).map(asSystemRow)

    test('are the same events as JSON lines, as Parquet and as CSV with structs as JSON text', async () => {
      const json = await bench.file('rows.json', lines(rows))
      const parquet = join(bench.folder, 'rows.parquet')
      const columns = `{account_id: 'VARCHAR', workspace_id: 'VARCHAR', event_time: 'TIMESTAMP', source_ip_address: 'VARCHAR', user_agent: 'VARCHAR',
      session_id: 'VARCHAR', user_identity: 'STRUCT(email VARCHAR, subject_name VARCHAR)', service_name: 'VARCHAR', action_name: 'VARCHAR',
      request_id: 'VARCHAR', request_params: 'MAP(VARCHAR, VARCHAR)', response: 'STRUCT(status_code INTEGER, error_message VARCHAR, result VARCHAR)',
      audit_level: 'VARCHAR', event_id: 'VARCHAR'}`
      const read = `read_json(${lit(json)}, format = 'newline_delimited', columns = ${columns})`
      await bench.sql(`COPY (SELECT * FROM ${read}) TO ${lit(parquet)} (FORMAT parquet)`)
      const asText = `SELECT * REPLACE (to_json(user_identity) AS user_identity, to_json(request_params) AS request_params, to_json(response) AS response) FROM ${read}`
      const csv = join(bench.folder, 'rows.csv')
      await bench.sql(`COPY (${asText}) TO ${lit(csv)} (FORMAT csv, HEADER)`)
      const spark = await bench.file(
        'spark.csv',
        (await readFile(csv, 'utf8')).replaceAll('\\', '\\\\').replaceAll('""', '\\"'),
      )
      const packed = await bench.file('packed.csv.gz', gzipSync(await readFile(csv)))
      expect(await bench.take([json, parquet, csv, spark, packed])).toMatchObject({
        objects: 5,
        records: 30,
        events: 6,
        duplicates: 24,
        rejects: 0,
      })
      const delivered = await bench.file('delivered.json', deliveryLines(1, 6))
      expect(await bench.take(delivered)).toMatchObject({ records: 6, events: 0, duplicates: 6 })
    })

    test('keep columns of their own to themselves, whatever other tables have', async () => {
      const a = join(bench.folder, 'a.parquet')
      const b = join(bench.folder, 'b.parquet')
      const common = `'jobs' AS service_name, 'create' AS action_name, TIMESTAMP '2026-11-10 10:00:00' AS event_time`
      await bench.sql(
        `COPY (SELECT ${common}, 'r1' AS request_id, 42 AS workspace_id, 'x' AS new_column) TO ${lit(a)} (FORMAT parquet)`,
      )
      await bench.sql(`COPY (SELECT ${common}, 'r2' AS request_id, 'w' AS workspace_id) TO ${lit(b)} (FORMAT parquet)`)
      expect(await bench.take([a, b])).toMatchObject({ records: 2, events: 2 })
      expect(await bench.events('request_id, workspace_id, extra', 'ORDER BY 1')).toEqual([
        { request_id: 'r1', workspace_id: '42', extra: '{"new_column":"x"}' },
        { request_id: 'r2', workspace_id: 'w', extra: null },
      ])
    })
  })

  test('Immuta records bring their policies and query along', async () => {
    const fixture = join(import.meta.dirname, '../../fixtures/records/uam')
    const report = await bench.take(join(fixture, '*.jsonl'))
    const filled = await bench.events<{ n: string; q: string }>(
      'count(policy_set) AS n, count(query) AS q',
      "WHERE form = 'uam'",
    )
    expect(report.events).toBeGreaterThan(0)
    expect(Number(filled[0]?.n)).toBeGreaterThan(0)
    expect(Number(filled[0]?.q)).toBeGreaterThan(0)
  })

  test('the same account is the same lake by every route it carries, and gzip changes nothing', async () => {
    const events = 3000
    const simulated = async (form: 'delivery' | 'azure' | 'system-table', gzip: boolean) => {
      const out = join(bench.folder, `${form}-${gzip}`)
      await simulate({ ...SIMULATE_DEFAULTS, out, events, days: 2, form, gzip, scenarios: 'none' })
      return out
    }
    const report = await bench.take(await simulated('delivery', false))
    expect(report).toMatchObject({ records: events, events, skipped: 1, rejects: 0 })
    expect(await bench.take(await simulated('delivery', true))).toMatchObject({ events: 0, duplicates: events })
    expect(await bench.take(await simulated('system-table', false))).toMatchObject({ events: 0, duplicates: events })
  })

  test('the sums of a mixed folder are those counted by hand', async () => {
    const out = join(bench.folder, 'logs')
    await simulate({
      ...SIMULATE_DEFAULTS,
      out,
      events: 2000,
      days: 3,
      form: 'delivery',
      gzip: false,
      scenarios: 'none',
    })
    await bench.file('logs/more/broken.json', `${deliveryLines(1, 30)}{"a":\n\n[1]\n{}\n${deliveryLines(20, 40)}`)
    await bench.file('logs/more/array.json', JSON.stringify(records(35, 50), null, 1))
    const report = await bench.take(out)
    const byHand = 2000 + 30 + 3 + 21 + 16
    expect(report.records).toBe(byHand)
    expect(report).toMatchObject({ events: 2000 + 50, duplicates: 11 + 6, rejects: 3 })
    const taken = totals(bench.takings())
    expect(taken).toEqual({ records: byHand, events: report.events, duplicates: report.duplicates, rejects: 3 })
    expect(await bench.eventCount()).toEqual({ rows: report.events, ids: report.events })
    for (const { records: all, events, duplicates, rejects } of bench.takings())
      expect(all).toBe(events + duplicates + rejects)
  })

  describe('again', () => {
    test('an unchanged object is not read, and changes nothing', async () => {
      const path = await bench.file('a.json', deliveryLines(1, 5))
      const time = new Date('2026-11-11T00:00:00Z')
      await utimes(path, time, time)
      await bench.take(path)
      const before = bench.takings()
      expect(await bench.take(path)).toMatchObject({ objects: 0, unchanged: 1, records: 0, bytes: 0 })
      expect(bench.takings()).toEqual(before)
      // Other bytes of the same length and time are not seen, for they are not read.
      await writeFile(path, deliveryLines(3, 7))
      await utimes(path, time, time)
      expect(await bench.take(path)).toMatchObject({ objects: 0, unchanged: 1 })
    })

    test('a newer time with the same bytes is noted, and changes nothing else', async () => {
      const path = await bench.file('a.json', deliveryLines(1, 5))
      await bench.take(path)
      const later = new Date(Date.now() + 5000)
      await utimes(path, later, later)
      expect(await bench.take(path)).toMatchObject({ objects: 0, unchanged: 1, records: 0 })
      expect(bench.takings()).toMatchObject([{ modified_ms: later.getTime() }])
    })

    test('of a grown object only what is new is read', async () => {
      const path = await bench.file('a.json', deliveryLines(1, 5))
      await bench.take(path)
      await appendFile(path, deliveryLines(6, 7))
      const size = Buffer.byteLength(deliveryLines(1, 5))
      const added = Buffer.byteLength(deliveryLines(6, 7))
      expect(await bench.take(path)).toMatchObject({ objects: 1, records: 2, events: 2, duplicates: 0, bytes: added })
      expect(bench.takings()).toMatchObject([
        { first_byte: 0, last_byte: size, resume_byte: size },
        { first_byte: size, last_byte: size + added, resume_byte: size + added },
      ])
    })

    test('a last line that was cut and is completed later becomes an event', async () => {
      const whole = deliveryLines(1, 5)
      const [start, cut] = [deliveryLines(1, 4).length, whole.length - 40]
      const path = await bench.file('a.json', whole.slice(0, cut))
      expect(await bench.take(path)).toMatchObject({ records: 5, events: 4, rejects: 1 })
      await writeFile(path, `${whole}{broken\n`)
      expect(await bench.take(path)).toMatchObject({ records: 2, events: 1, duplicates: 0, rejects: 1 })
      expect(bench.takings().map(({ first_byte }) => first_byte)).toEqual([0, start])
      expect((await bench.rejects()).map(({ reason, line }) => ({ reason, line }))).toEqual([
        { reason: 'truncated', line: '5' },
        { reason: 'malformed_json', line: '6' },
      ])
      expect(await bench.eventCount()).toEqual({ rows: 5, ids: 5 })
    })

    test('an object that has grown by nothing of use is a log all the same', async () => {
      const path = await bench.file('grows.json', deliveryLines(1, 2))
      await bench.take(path)
      await appendFile(path, '{"version":"2.0","time')
      expect(await bench.take(path)).toMatchObject({ records: 1, events: 0, rejects: 1 })
      expect(await bench.take(path)).toMatchObject({ unchanged: 1 })
    })

    test('an object taken by a form that is not its own gives its events once the form is right', async () => {
      const path = await bench.file('logs.json', deliveryLines(1, 3))
      expect((await bench.refused(path, { form: 'uam' })).code).toBe('NO_RECORDS')
      expect((await bench.refused(path, { form: 'uam' })).code).toBe('NO_RECORDS')
      expect(await bench.rejects()).toHaveLength(3)
      await bench.file('logs.json', deliveryLines(1, 4))
      expect(await bench.take(path)).toMatchObject({ objects: 1, events: 4, rejects: 0 })
      expect(await bench.take(path)).toMatchObject({ unchanged: 1, events: 0 })
      expect(await bench.take(path, { form: 'uam' })).toMatchObject({ unchanged: 1, rejects: 0 })
    })

    test('an object of rejects only is looked at once more, and passed by from then on', async () => {
      const good = deliveryLines(1, 1)
      const odd = good.replace(/("timestamp":)(\d{13})/, '$1"no time yet"')
      expect(odd).toHaveLength(good.length)
      expect(odd).not.toBe(good)
      const path = await bench.file('odd.json', odd)
      const then = new Date('2026-05-01T00:00:00Z')
      await utimes(path, then, then)
      await bench.refused(path)
      await bench.refused(path)
      // Passed by for its size and time, as any other object that was taken; had it been read, this would be seen.
      await writeFile(path, good)
      await utimes(path, then, then)
      await bench.refused(path)
      expect(await bench.eventCount()).toEqual({ rows: 0, ids: 0 })
      await utimes(path, new Date(), new Date())
      expect(await bench.take(path)).toMatchObject({ events: 1 })
    })

    test('what is no log by any form is set aside once, whatever form is named', async () => {
      const path = await bench.file('junk.json', 'no log\n')
      await bench.refused(path)
      await bench.refused(path, { form: 'delivery' })
      expect(await bench.rejects()).toHaveLength(1)
    })

    test('an overwritten object is told apart by event', async () => {
      const path = await bench.file('a.json', deliveryLines(1, 5))
      await bench.take(path)
      await writeFile(path, deliveryLines(3, 9))
      expect(await bench.take(path)).toMatchObject({ records: 7, events: 4, duplicates: 3 })
      await writeFile(path, deliveryLines(2, 3))
      expect(await bench.take(path)).toMatchObject({ records: 2, events: 0, duplicates: 2 })
      expect(bench.takings().map(({ first_byte }) => first_byte)).toEqual([0, 0, 0])
      expect(await bench.eventCount()).toEqual({ rows: 9, ids: 9 })
    })

    test('a grown gzip or array is read whole, and gives only what is new', async () => {
      const packed = await bench.file('a.gz', gzipSync(deliveryLines(1, 3)))
      const array = await bench.file('a.json', JSON.stringify(records(11, 13)))
      await bench.take([packed, array])
      await appendFile(packed, gzipSync(deliveryLines(4, 5)))
      await writeFile(array, JSON.stringify(records(11, 15)))
      expect(await bench.take([packed, array])).toMatchObject({ records: 10, events: 4, duplicates: 6 })
    })

    test('a ledger that was lost is made again from the manifests', async () => {
      const path = await bench.file('a.json', deliveryLines(1, 5))
      await bench.take(path)
      const before = bench.takings()
      for (const suffix of ['', '-wal', '-shm']) await bench.remove(`${bench.home.ledger}${suffix}`)
      expect(await bench.take(path)).toMatchObject({ unchanged: 1, records: 0 })
      expect(bench.takings()).toEqual(before)
    })

    test('objects are read again where the lake they went to is gone, once somebody said why', async () => {
      const path = await bench.file('a.json', deliveryLines(1, 5))
      await bench.take(path)
      await bench.remove(bench.home.lake)
      await expect(bench.take(path)).rejects.toMatchObject({ code: 'SEAL_FORKED' })
      await bench.sayRestored('the disk was lost')
      expect(await bench.take(path)).toMatchObject({ records: 5, events: 5 })
      expect(await bench.eventCount()).toEqual({ rows: 5, ids: 5 })
    })

    test('nothing is left in the working folders', async () => {
      const path = await bench.file('a.json', `${deliveryLines(1, 5)}{broken\n`)
      await bench.take(path)
      await writeFile(path, JSON.stringify(records(2, 8)))
      await bench.take([path, '-'], { stdin: deliveryLines(1, 2) })
      await bench.take(path)
      expect(await bench.leftovers()).toEqual([])
    })
  })
})
