import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Column } from '../core/event.ts'
import { Engine } from '../engine/duckdb.ts'
import { duckdbType } from '../engine/types.ts'
import { filesBetween, scanSql } from './read.ts'
import { answers, fakeFile, makeFolder, rowsSql, SMALL_TABLE, writeRows } from './small-table.fixture.ts'
import { DeltaTable, EVENTS_TABLE } from './table.ts'
import { writePartition } from './write.ts'

let engine: Engine
let folder: Awaited<ReturnType<typeof makeFolder>>
let table: DeltaTable

beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())
beforeEach(async () => {
  folder = await makeFolder()
  table = DeltaTable.at(folder.path, SMALL_TABLE)
})
afterEach(() => folder.remove())

const sourceRows = async (sql: string): Promise<string[]> => {
  const rows = await engine.rows<{ row: string }>(`SELECT to_json(r)::VARCHAR AS row FROM (${sql}) r ORDER BY 1`)
  return rows.map(({ row }) => row)
}

const types = async (sql: string): Promise<string[]> =>
  (await engine.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${sql}`)).map(
    ({ column_name, column_type }) => `${column_name} ${column_type}`,
  )

/** A nested type is described without the quotes that are not needed. */
const declared = (columns: readonly Column[]): Promise<string[]> =>
  types(`(SELECT ${columns.map(({ name, type }) => `NULL::${duckdbType(type)} AS "${name}"`).join(', ')})`)

describe('a written partition', () => {
  test('comes back value by value, nulls, empty lists and keys that differ by case too', async () => {
    const file = await writeRows(engine, table, '2026-11-12', 0, 500)
    await table.commit({ adds: [file], operation: 'WRITE' })
    expect(file.path).toBe('day=2026-11-12/rows-0-0.parquet')
    expect(file).toMatchObject({ rows: 500, partition: '2026-11-12', minTimeMs: Date.parse('2026-11-12') })
    expect(await answers(engine, table)).toEqual(await sourceRows(rowsSql('2026-11-12', 0, 500)))
  })

  test('holds only the rows of its day and is undefined without any', async () => {
    const select = `${rowsSql('2026-11-12', 0, 5)} UNION ALL ${rowsSql('2026-11-13', 5, 3)}`
    const write = (partition: string) => writePartition(engine, table, { select, partition, stem: 'x' })
    expect((await write('2026-11-12'))?.rows).toBe(5)
    expect((await write('2026-11-13'))?.rows).toBe(3)
    expect(await write('2026-11-14')).toBeUndefined()
    expect(await table.store.list('')).toHaveLength(2)
  })

  test('takes the next free name of its stem, whatever the stem', async () => {
    const write = (stem: string) =>
      writePartition(engine, table, { select: rowsSql('2026-11-12', 0, 1), partition: '2026-11-12', stem })
    const paths = [await write('b 1/ü'), await write('b 1/ü'), await write('__')].map((file) => file?.path)
    expect(paths).toEqual(['b-1---0', 'b-1---1', 'part-0'].map((name) => `day=2026-11-12/${name}.parquet`))
  })

  test.each(['0001-01-01', '1582-10-10', '1969-12-31', '9999-12-31'])('can be of %s', async (day) => {
    const file = await writeRows(engine, table, day, 86_390, 10)
    await table.commit({ adds: [file], operation: 'WRITE' })
    const snapshot = await table.snapshot()
    expect(await answers(engine, table)).toEqual(await sourceRows(rowsSql(day, 86_390, 10)))
    const fromMs = Date.parse(`${day}T23:59:55Z`)
    expect(filesBetween(snapshot, fromMs, fromMs + 1)).toHaveLength(1)
    expect(filesBetween(snapshot, fromMs + 10_000)).toHaveLength(0)
  })

  test('is refused for a day that is none', async () => {
    const write = writePartition(engine, table, { select: 'SELECT 1', partition: '12345-01-01', stem: 'x' })
    await expect(write).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  test('of rows of a wrong type is refused rather than stored', async () => {
    const select = `SELECT 'x' AS id, 'no time' AS "at", DATE '2026-11-12' AS day, * FROM (VALUES (1, true, NULL, NULL, NULL)) v(count, ok, who, labels, params)`
    await expect(writePartition(engine, table, { select, partition: '2026-11-12', stem: 'x' })).rejects.toThrow(
      /timestamp/i,
    )
    expect(await table.store.list('')).toEqual([])
  })
})

describe('a scan', () => {
  test('has the columns of the table in their order and types, with files and without', async () => {
    const expected = await declared(SMALL_TABLE.columns)
    expect(await types(scanSql(table, []))).toEqual(expected)
    const file = await writeRows(engine, table, '2026-11-12', 0, 5)
    expect(await types(scanSql(table, [file]))).toEqual(expected)
    expect(await types(scanSql(DeltaTable.at(folder.path, EVENTS_TABLE), []))).toEqual(
      await declared(EVENTS_TABLE.columns),
    )
  })

  test.each(['plain', 'with space', "quote ' and [set] and *", 'percent %20 ü', 'id=5/day=2000-01-01'])(
    'reads a table in a folder called %s',
    async (name) => {
      const odd = DeltaTable.at(join(folder.path, name), SMALL_TABLE)
      const files = [await writeRows(engine, odd, '2026-11-12', 0, 5), await writeRows(engine, odd, '2026-11-13', 5, 5)]
      await odd.commit({ adds: files, operation: 'WRITE' })
      const source = `${rowsSql('2026-11-12', 0, 5)} UNION ALL ${rowsSql('2026-11-13', 5, 5)}`
      expect(await answers(engine, odd)).toEqual(await sourceRows(source))
      expect(await types(scanSql(odd, files))).toEqual(await declared(SMALL_TABLE.columns))
    },
  )

  test('does not take a folder of brackets for a pattern that fits its neighbour', async () => {
    const [one, two] = ['h[x]', 'hx'].map((name) => DeltaTable.at(join(folder.path, name), SMALL_TABLE))
    for (const [first, side] of [one, two].entries()) {
      if (side) await side.commit({ adds: [await writeRows(engine, side, '2026-11-12', first, 1)], operation: 'WRITE' })
    }
    expect(one && (await answers(engine, one))).toEqual(await sourceRows(rowsSql('2026-11-12', 0, 1)))
  })

  test('filters on the partition skip the other days', async () => {
    const good = await writeRows(engine, table, '2026-11-11', 0, 5)
    const bad = await writeRows(engine, table, '2026-11-12', 5, 5)
    await table.store.put(bad.path, new TextEncoder().encode('no Parquet at all'))
    const count = (day: string) =>
      engine.rows(`SELECT count(id) AS n FROM ${scanSql(table, [good, bad])} WHERE day = DATE '${day}'`)
    expect(await count('2026-11-11')).toEqual([{ n: '5' }])
    await expect(count('2026-11-12')).rejects.toThrow()
  })
})

describe('files older than a column', () => {
  const who: Column = {
    name: 'who',
    type: {
      struct: [
        { name: 'name', type: 'string', doc: '' },
        { name: 'mail', type: 'string', doc: 'New.' },
        { name: 'age', type: 'integer', doc: '' },
      ],
    },
    doc: '',
  }
  const columns = [
    ...SMALL_TABLE.columns.map((column) => (column.name === 'who' ? who : column)),
    { name: 'extra', type: { array: 'string' } as const, doc: 'New.' },
  ]
  const newer = (): DeltaTable => DeltaTable.at(folder.path, { ...SMALL_TABLE, columns })

  test('give nulls for it, alone and beside newer files, and fields of structs keep their names', async () => {
    const old = await writeRows(engine, table, '2026-11-12', 0, 20)
    await table.commit({ adds: [old], operation: 'WRITE' })
    expect(await types(scanSql(newer(), [old]))).toEqual(await declared(columns))
    const select = `SELECT * REPLACE ({'name': 'new', 'mail': 'm@x', 'age': 3} AS who), ['e'] AS extra FROM (${rowsSql('2026-11-13', 100, 2)})`
    const file = await writePartition(engine, newer(), { select, partition: '2026-11-13', stem: 'new' })
    await newer().commit({ adds: file ? [file] : [], operation: 'WRITE' })
    const { files } = await newer().snapshot()
    const rows = await engine.rows(
      `SELECT id, who, extra FROM ${scanSql(newer(), files)} WHERE id IN ('id-1', 'id-100') ORDER BY id`,
    )
    expect(rows).toEqual([
      { id: 'id-1', who: { name: 'n1', mail: null, age: 1 }, extra: null },
      { id: 'id-100', who: { name: 'new', mail: 'm@x', age: 3 }, extra: ['e'] },
    ])
  })

  test('an older program reads newer files, without what it does not know', async () => {
    const select = `SELECT * REPLACE ({'name': 'new', 'mail': 'm@x', 'age': 3} AS who), ['e'] AS extra FROM (${rowsSql('2026-11-13', 100, 2)})`
    const file = await writePartition(engine, newer(), { select, partition: '2026-11-13', stem: 'new' })
    const files = file ? [file] : []
    expect(await types(scanSql(table, files))).toEqual(await declared(SMALL_TABLE.columns))
    const [row] = await engine.rows(`SELECT who FROM ${scanSql(table, files)}`)
    expect(row).toEqual({ who: { name: 'new', age: 3 } })
  })

  test('in a folder whose name could pass for a partition', async () => {
    const at = join(folder.path, 'extra=1')
    const old = await writeRows(engine, DeltaTable.at(at, SMALL_TABLE), '2026-11-12', 0, 3)
    const later = DeltaTable.at(at, { ...SMALL_TABLE, columns })
    const rows = await engine.rows(`SELECT id, day, extra FROM ${scanSql(later, [old])} ORDER BY id LIMIT 1`)
    expect(rows).toEqual([{ id: 'id-0', day: '2026-11-12', extra: null }])
  })
})

describe('files between two times', () => {
  const file = (name: string, partition: string, from?: string, to?: string) => ({
    ...fakeFile(name, partition),
    ...(from && to ? { minTimeMs: Date.parse(from), maxTimeMs: Date.parse(to) } : {}),
  })
  const files = [
    file('a', '2026-11-11'),
    file('b', '2026-11-12', '2026-11-12T01:00:00Z', '2026-11-12T02:00:00Z'),
    file('c', '2026-11-12', '2026-11-12T03:00:00Z', '2026-11-12T04:00:00Z'),
    file('d', '2026-11-13'),
  ]
  const between = (from?: string, to?: string): string => {
    const snapshot = { version: 0, files, txnVersion: () => undefined }
    const found = filesBetween(snapshot, from ? Date.parse(from) : undefined, to ? Date.parse(to) : undefined)
    return found.map(({ path }) => path.at(-9)).join('')
  }

  test.each([
    [undefined, undefined, 'abcd'],
    ['2026-11-12T02:00:00Z', '2026-11-12T03:00:00Z', 'bc'],
    ['2026-11-12T02:00:00.001Z', '2026-11-12T02:59:59.999Z', ''],
    ['2026-11-12T02:30:00Z', undefined, 'cd'],
    [undefined, '2026-11-12T00:59:59Z', 'a'],
    ['2026-11-14T00:00:01Z', undefined, ''],
  ])('%s to %s', (from, to, expected) => {
    expect(between(from, to)).toBe(expected)
  })
})
