import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lit } from '../engine/sql.ts'
import { asSystemRow, BATCH_SIZES, deliveryLines, deliveryRecord, TakingBench, totals } from './taking.fixture.ts'

// Small and large batches are read by statements of their own, which must read all alike.
describe.each(BATCH_SIZES)('in $size batches', ({ smallBatchBytes }) => {
  let bench: TakingBench
  beforeEach(async () => {
    bench = await TakingBench.open('home', smallBatchBytes)
  })
  afterEach(() => bench.close())

  const MB = 1024 * 1024
  const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64')

  /** The rejects in short. */
  async function refusedRecords() {
    return (await bench.rejects()).map(({ reason, line, content_base64 }) => ({
      reason,
      line: line === null ? null : Number(line),
      content: bytesOf(content_base64).toString('latin1'),
    }))
  }

  /** Whatever became of the input, the ledger, the report and the lake tell the same. */
  async function checkSums(report: { records: number; events: number; duplicates: number; rejects: number }) {
    const { records, events, duplicates, rejects } = report
    expect(records).toBe(events + duplicates + rejects)
    expect(totals(bench.takings())).toEqual({ records, events, duplicates, rejects })
    expect(await bench.eventCount()).toEqual({ rows: events, ids: events })
    expect(await bench.rejects()).toHaveLength(rejects)
  }

  describe('lines', () => {
    test('a list without records is a line, also where a file begins with it', async () => {
      const path = await bench.file('a.json', `[47]\n${deliveryLines(1, 3)}`)
      expect(await bench.take(path)).toMatchObject({ records: 4, events: 3, rejects: 1 })
      expect((await bench.rejects()).map(({ reason, line }) => [reason, Number(line)])).toEqual([['not_a_record', 1]])
    })

    test('that are no records are refused with reason, line and bytes, and all others go in', async () => {
      const good = deliveryLines(1, 2)
      const bad: [line: string | Buffer, reason: string][] = [
        ['{"version":"2.0","timestamp":', 'malformed_json'],
        ['not json at all', 'malformed_json'],
        ['{"a":1}{"b":2}', 'malformed_json'],
        ['{"a":1},', 'malformed_json'],
        ['[1,2]', 'not_a_record'],
        ['"text"', 'not_a_record'],
        ['null', 'not_a_record'],
        ['{}', 'missing_time'],
        [JSON.stringify(deliveryRecord(1, { timestamp: 'soon' })), 'missing_time'],
        [JSON.stringify(deliveryRecord(1, { timestamp: null })), 'missing_time'],
        [JSON.stringify(deliveryRecord(1, { timestamp: [1] })), 'missing_time'],
        [JSON.stringify(deliveryRecord(1, { timestamp: 1e30 })), 'missing_time'],
        [JSON.stringify(deliveryRecord(1, { timestamp: '12026-01-01T00:00:00Z' })), 'missing_time'],
        [JSON.stringify(deliveryRecord(1, { timestamp: 'infinity' })), 'missing_time'],
        [
          JSON.stringify(deliveryRecord(1)).replace(/"timestamp":\d+/, '"timestamp":-9223372036854775808'),
          'missing_time',
        ],
        [JSON.stringify(deliveryRecord(1, { serviceName: null })), 'missing_action'],
        [JSON.stringify(deliveryRecord(1, { actionName: '' })), 'missing_action'],
        [Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 'malformed_json'],
        [Buffer.from('{"a":"x\0y"}'), 'malformed_json'],
        [Buffer.from('\0\0\0'), 'malformed_json'],
      ]
      const parts = bad.flatMap(([line]) => [Buffer.from(line), Buffer.from(`\n\n${good}`)])
      const report = await bench.take(await bench.file('a.json', Buffer.concat([Buffer.from(good), ...parts])))
      expect(report).toMatchObject({ events: 2, duplicates: 2 * bad.length, rejects: bad.length })
      expect(await refusedRecords()).toEqual(
        bad.map(([line, reason], n) => ({ reason, line: 3 + n * 4, content: Buffer.from(line).toString('latin1') })),
      )
      await checkSums(report)
    })

    test('of odd but readable records are events, with nothing of them lost', async () => {
      const odd: Readonly<Record<string, unknown>>[] = [
        { requestParams: 5 },
        { requestParams: [1, { a: 2 }] },
        { requestParams: 'text' },
        { requestParams: '{"a":"b"}' },
        { requestParams: null },
        { requestParams: { a: { b: [1] }, c: null, d: 1.5, e: true } },
        { requestParams: { 'a\0b': 'x\0y', '': 'empty' } },
        { response: 'text' },
        { response: [1] },
        { response: { statusCode: '200', errorMessage: 5, result: { a: 1 } } },
        { serviceName: { a: 1 } },
        { actionName: 7 },
        { userIdentity: 'someone' },
        { userIdentity: [1] },
        { sourceIPAddress: 42 },
        { sourceIPAddress: '[::1%eth0]:443' },
        { userAgent: { a: 1 } },
        { timestamp: -62135596800000 },
        { timestamp: 253402300799999 },
        { timestamp: '2026-11-10T10:00:00.123456+02:00' },
        { timestamp: 1793786400.5 },
        { newField: { deep: [[{}]] }, 'a/b~c."d"': 1, '': 2 },
      ]
      const content = odd.map((more, n) => `${JSON.stringify(deliveryRecord(n, { requestId: `odd-${n}`, ...more }))}\n`)
      const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
      const deep = JSON.stringify(deliveryRecord(90)).replace(/\}$/, `,"deep":${nested(3000)}}`)
      const twice = JSON.stringify(deliveryRecord(91)).replace('{', '{"requestId":"first","newField":1,"newField":2,')
      const doubled = JSON.stringify(deliveryRecord(92)).replace(
        '"num_workers"',
        '"cluster_name":"again","num_workers"',
      )
      const report = await bench.take(await bench.file('a.json', `${content.join('')}${deep}\n${twice}\n${doubled}\n`))
      expect(report).toMatchObject({ records: odd.length + 3, events: odd.length + 3, rejects: 0 })
      await checkSums(report)
      const [found] = await bench.events<{ n: string }>(
        'count(*) AS n',
        "WHERE extra LIKE '%\"deep\":[[{}]]%' AND extra LIKE '%a/b~c%'",
      )
      expect(found?.n).toBe('1')
    })

    test('of 10 MB are events, of 40 MB they are too long, wherever they stand', async () => {
      const long = (n: number, bytes: number) =>
        `${JSON.stringify(deliveryRecord(n, { requestParams: { big: 'x'.repeat(bytes) } }))}\n`
      for (const [name, content] of [
        ['first.json', long(100, 40 * MB) + long(101, 10 * MB) + deliveryLines(1, 3)],
        ['last.json', deliveryLines(4, 6) + long(102, 10 * MB) + long(103, 40 * MB)],
        ['packed.json.gz', gzipSync(deliveryLines(7, 8) + long(104, 40 * MB) + deliveryLines(9, 9))],
      ] as const) {
        await bench.file(`logs/${name}`, content)
      }
      const report = await bench.take(join(bench.folder, 'logs'))
      expect(report).toMatchObject({ events: 11, rejects: 3 })
      const rejects = await bench.rejects()
      expect(rejects.map(({ reason, line, size_bytes }) => [reason, line, Number(size_bytes) > 40 * MB])).toEqual([
        ['too_long', '1', true],
        ['too_long', '5', true],
        ['too_long', '3', true],
      ])
      expect(rejects.map(({ content_base64 }) => bytesOf(content_base64).length)).toEqual([65536, 65536, 65536])
      await checkSums(report)
    }, 240_000)

    test('behind a head full of junk are found', async () => {
      const junk = `${'junk '.repeat(100)}\n`.repeat(700)
      const broken = `{"broken": ${'"x", '.repeat(70_000)}\n`
      const report = await bench.take([
        await bench.file('junk.json', junk + deliveryLines(1, 3)),
        await bench.file('broken.json', broken + deliveryLines(4, 6)),
        await bench.file('lines.json', '{"timestamp": 1, "serviceName":\n'.repeat(9000) + deliveryLines(7, 8)),
      ])
      expect(report).toMatchObject({ events: 8, rejects: 700 + 1 + 9000 })
      await checkSums(report)
    })

    test('cut at the end of an object are told from broken ones', async () => {
      const cut = deliveryLines(1, 2).slice(0, -30)
      const report = await bench.take([
        await bench.file('a.json', cut),
        await bench.file('b.json.gz', gzipSync(cut)),
        await bench.file('c.json', `[${cut.split('\n').join(',')}`),
        await bench.file('d.json', `${cut}\n`),
      ])
      expect(report).toMatchObject({ events: 1, duplicates: 3, rejects: 4 })
      const half = cut.split('\n')[1]
      expect(await refusedRecords()).toEqual([
        { reason: 'truncated', line: 2, content: half },
        { reason: 'truncated', line: 2, content: half },
        { reason: 'truncated', line: 2, content: half },
        { reason: 'malformed_json', line: 2, content: half },
      ])
    })

    test('beyond counting are refused without being held in memory', async () => {
      const before = process.memoryUsage().rss
      const report = await bench.take(await bench.file('a.json', deliveryLines(1, 1) + '{"broken":\n'.repeat(150_000)))
      expect(report).toMatchObject({ events: 1, rejects: 150_000 })
      expect(process.memoryUsage().rss - before).toBeLessThan(600 * MB)
      expect(totals(bench.takings()).rejects).toBe(150_000)
    })
  })

  describe('compression', () => {
    const text = deliveryLines(1, 400)
    const packed = gzipSync(text)
    const damaged = async (content: Buffer, name = 'a.json.gz') => {
      const report = await bench.take([
        await bench.file(name, content),
        await bench.file('good.json', deliveryLines(900, 902)),
      ])
      await checkSums(report)
      const reasons = (await bench.rejects()).filter(({ reason }) => reason === 'damaged_compression')
      expect(reasons).toMatchObject([{ line: null, size_bytes: String(content.length) }])
      return report
    }

    test('that ends early gives what there is, and is refused', async () => {
      const { events, rejects } = await damaged(packed.subarray(0, packed.length >> 1))
      expect(events).toBeGreaterThan(100)
      expect(rejects).toBe(2)
      expect((await refusedRecords()).map(({ reason }) => reason)).toEqual(['truncated', 'damaged_compression'])
    })

    test('that ends early between two lines is refused too', async () => {
      const cut = gzipSync(deliveryLines(1, 40), { finishFlush: constants.Z_SYNC_FLUSH })
      expect(await damaged(cut)).toMatchObject({ events: 43, rejects: 1 })
      await writeFile(join(bench.folder, 'a.json.gz'), packed)
      expect(await bench.take(join(bench.folder, 'a.json.gz'))).toMatchObject({
        events: 360,
        duplicates: 40,
        rejects: 0,
      })
    })

    test('without its last bytes is refused, with all records taken', async () => {
      expect(await damaged(packed.subarray(0, -3))).toMatchObject({ events: 403, rejects: 1 })
    })

    test('with a wrong check sum is refused, with all records taken', async () => {
      const wrong = Buffer.from(packed)
      wrong.writeUInt32LE(1, wrong.length - 8)
      // The length fits, so only the engine or nobody could tell; a wrong length shows.
      wrong.writeUInt32LE(1, wrong.length - 4)
      expect(await damaged(wrong)).toMatchObject({ events: 403, rejects: 1 })
    })

    test('with other bytes behind it is refused, with all records taken', async () => {
      expect(await damaged(Buffer.concat([packed, Buffer.from('something else')]))).toMatchObject({
        events: 403,
        rejects: 1,
      })
    })

    test('padded with zeros is as good as without', async () => {
      const report = await bench.take(await bench.file('a.json.gz', Buffer.concat([packed, Buffer.alloc(1024)])))
      expect(report).toMatchObject({ events: 400, rejects: 0 })
    })

    test('cut within the header is refused whole', async () => {
      expect(await damaged(packed.subarray(0, 6))).toMatchObject({ events: 3, rejects: 1 })
    })

    test('by zstd that ends early is refused, with what there is', async () => {
      const many = zstdCompressSync(deliveryLines(1, 3000))
      expect((await damaged(many.subarray(0, -5), 'a.zst')).events).toBeGreaterThan(100)
    })

    test('by zstd that ends early between two lines is refused too', async () => {
      const cut = zstdCompressSync(deliveryLines(1, 40), { finishFlush: constants.ZSTD_e_flush })
      expect(await damaged(cut, 'a.zst')).toMatchObject({ events: 43, rejects: 1 })
    })

    test('of an array that ends early gives the records before', async () => {
      const array = JSON.stringify(
        Array.from({ length: 300 }, (_, n) => deliveryRecord(n)),
        null,
        1,
      )
      const whole = gzipSync(array)
      const { events } = await damaged(whole.subarray(0, whole.length >> 1))
      expect(events).toBeGreaterThan(50)
    })

    test('of a thousand good objects costs one bad among them nothing but itself', async () => {
      for (let n = 0; n < 60; n++) await bench.file(`logs/${n}.json.gz`, gzipSync(deliveryLines(n * 10, n * 10 + 9)))
      await bench.file('logs/cut.json.gz', gzipSync(deliveryLines(2000, 2100)).subarray(0, 500))
      await bench.file('logs/tail.json.gz', Buffer.concat([gzipSync(deliveryLines(3000, 3001)), Buffer.from('x')]))
      const report = await bench.take(join(bench.folder, 'logs'))
      expect(report.events).toBeGreaterThanOrEqual(602)
      expect((await bench.rejects()).filter(({ reason }) => reason === 'damaged_compression')).toHaveLength(2)
      await checkSums(report)
    })
  })

  describe('objects', () => {
    test('that are no logs are refused whole, with their first bytes', async () => {
      const junk = Buffer.from(Array.from({ length: 100_000 }, (_, n) => (n * 7919 + (n >> 3)) % 256))
      const report = await bench.take([
        await bench.file('a.bin', junk),
        await bench.file('b.txt', 'Dear diary,\nnothing happened.\n'),
        await bench.file('c.json', '{"id": 1, "name": "some other JSON"}\n{"id": 2}\n'),
        await bench.file('d.json', deliveryLines(1, 2)),
        await bench.file('e.gz', gzipSync(junk)),
      ])
      expect(report).toMatchObject({ objects: 5, events: 2, rejects: 4 })
      const rejects = await bench.rejects()
      expect(rejects.map(({ reason, line, size_bytes }) => [reason, line, size_bytes])).toEqual([
        ['not_a_log', null, '100000'],
        ['not_a_log', null, '30'],
        ['unknown_form', null, '47'],
        ['not_a_log', null, String(gzipSync(junk).length)],
      ])
      expect(bytesOf(rejects[0]?.content_base64 ?? '')).toEqual(junk.subarray(0, 65536))
      await checkSums(report)
    })

    test('with nothing in them are taken, as nothing', async () => {
      const report = await bench.take([
        await bench.file('empty.json', ''),
        await bench.file('empty.json.gz', gzipSync('')),
        await bench.file('blank.json', ' \n\n\t\n'),
        await bench.file('list.json', '[ ]\n'),
        await bench.file('hub.json', '{"records": []}'),
        await bench.file('good.json', deliveryLines(1, 1)),
      ])
      expect(report).toMatchObject({ objects: 6, records: 1, events: 1, rejects: 0 })
      expect(bench.takings()).toHaveLength(6)
    })

    test('that cannot be read are named, and all others go in', async () => {
      await bench.file('logs/good.json', deliveryLines(1, 2))
      await symlink(join(bench.folder, 'nowhere'), join(bench.folder, 'logs/link.json'))
      // Opens, and fails when it is read.
      await symlink('/proc/self/mem', join(bench.folder, 'logs/memory.json'))
      const report = await bench.take(join(bench.folder, 'logs'))
      expect(report).toMatchObject({ objects: 1, events: 2 })
      expect(report.unreadable.map(({ object }) => object)).toEqual([
        join(bench.folder, 'logs/link.json'),
        join(bench.folder, 'logs/memory.json'),
      ])
      expect(await bench.refused(join(bench.folder, 'logs/memory.json'))).toMatchObject({ code: 'UNREADABLE', exit: 2 })
    })

    test('of Parquet that are broken are refused whole, and the others go in', async () => {
      const row = "'jobs' AS service_name, 'create' AS action_name, TIMESTAMP '2026-11-10 10:00:00' AS event_time"
      for (const name of ['a', 'cut', 'z']) {
        const path = await bench.file(`logs/${name}.parquet`, '')
        await bench.sql(`COPY (SELECT ${row}, '${name}' AS request_id) TO ${lit(path)} (FORMAT parquet)`)
      }
      await truncate(join(bench.folder, 'logs/cut.parquet'), 100)
      await bench.file('logs/fake.parquet', `PAR1${'x'.repeat(500)}`)
      const no = await bench.file('logs/no-time.parquet', '')
      await bench.sql(
        `COPY (SELECT 'jobs' AS service_name, 'create' AS action_name, n AS request_id FROM range(3) t(n)) TO ${lit(no)} (FORMAT parquet)`,
      )
      const report = await bench.take(join(bench.folder, 'logs'))
      expect(report).toMatchObject({ objects: 5, events: 2, rejects: 5 })
      expect((await bench.rejects()).map(({ reason, line }) => [reason, line])).toEqual([
        ['unreadable_table', null],
        ['unreadable_table', null],
        ['missing_time', '1'],
        ['missing_time', '2'],
        ['missing_time', '3'],
      ])
      await checkSums(report)
    })

    test('of CSV with broken lines give the others', async () => {
      const path = await bench.file(
        'rows.json',
        [1, 2, 3].map((n) => `${JSON.stringify(asSystemRow(deliveryRecord(n)))}\n`).join(''),
      )
      const csv = join(bench.folder, 'rows.csv')
      await bench.sql(`COPY (SELECT account_id, event_time, service_name, action_name, request_id, to_json(request_params) AS request_params
      FROM read_json(${lit(path)}, format = 'newline_delimited', columns = {account_id: 'VARCHAR', event_time: 'VARCHAR', service_name: 'VARCHAR',
        action_name: 'VARCHAR', request_id: 'VARCHAR', request_params: 'MAP(VARCHAR, VARCHAR)'})) TO ${lit(csv)} (FORMAT csv, HEADER)`)
      const [header, ...rows] = (await readFile(csv, 'utf8')).trimEnd().split('\n')
      const lines = [
        header,
        rows[0],
        'acc,2026',
        rows[1],
        `${rows[1]},one,too,many`,
        'acc,never,jobs,create,r,',
        `acc,2026-11-10,jobs,create,long,${'x'.repeat(5 * MB)}`,
        rows[2],
        'acc,2026-11-10,jobs,"cut',
      ]
      const report = await bench.take(await bench.file('rows.csv', lines.join('\n')))
      expect(report).toMatchObject({ events: 3, rejects: 5 })
      const found = await refusedRecords()
      expect(found.map(({ reason, line, content }) => [reason, line, content.slice(0, 30)])).toEqual([
        ['malformed_csv', 3, 'acc,2026'],
        ['missing_time', 3, '{"account_id":"acc","event_tim'],
        ['malformed_csv', 5, `${rows[1]},one,too,many`.slice(0, 30)],
        ['too_long', 7, 'acc,2026-11-10,jobs,create,lon'],
        ['malformed_csv', 9, 'acc,2026-11-10,jobs,"cut'],
      ])
      await checkSums(report)
      // Read again, those that are still there are the same.
      await writeFile(join(bench.folder, 'rows.csv'), [...lines.slice(0, -1), rows[2], ''].join('\n'))
      expect(await bench.take(join(bench.folder, 'rows.csv'))).toMatchObject({ events: 0, duplicates: 4, rejects: 4 })
      expect(await bench.rejects()).toHaveLength(5)
    })
  })

  describe('of which nothing can be used', () => {
    test('is exit 2, also when it is tried again', async () => {
      await mkdir(join(bench.folder, 'empty'))
      expect(await bench.refused(join(bench.folder, 'empty'))).toMatchObject({ code: 'NO_SOURCE', exit: 2 })
      expect(await bench.refused(join(bench.folder, 'missing'))).toMatchObject({ code: 'NO_SOURCE', exit: 2 })
      expect(await bench.refused(join(bench.folder, '*.nothing'))).toMatchObject({ code: 'NO_SOURCE', exit: 2 })
      expect(await bench.refused('s3://bucket/logs')).toMatchObject({ code: 'NO_SOURCE', exit: 2 })
      expect(await bench.refused('-')).toMatchObject({ code: 'NO_RECORDS', exit: 2 })
      await bench.file('junk/readme.txt', 'no logs here')
      await bench.file('junk/empty.json', '')
      for (let time = 0; time < 2; time++)
        expect(await bench.refused(join(bench.folder, 'junk'))).toMatchObject({ code: 'NO_RECORDS', exit: 2 })
      expect(await bench.rejects()).toHaveLength(1)
      await bench.file('junk/good.json', deliveryLines(1, 1))
      expect(await bench.take(join(bench.folder, 'junk'))).toMatchObject({ events: 1, unchanged: 2 })
      expect(await bench.take(join(bench.folder, 'junk'))).toMatchObject({ events: 0, unchanged: 3 })
    })

    test('nor is there a form of that name', async () => {
      const path = await bench.file('a.json', deliveryLines(1, 1))
      expect(await bench.refused(path, { form: 'syslog' })).toMatchObject({ code: 'BAD_ARGUMENT', exit: 2 })
      expect(await bench.take(path, { form: 'delivery' })).toMatchObject({ events: 1 })
    })
  })
})
