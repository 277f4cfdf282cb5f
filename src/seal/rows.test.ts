import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { EVENT_COLUMNS } from '../core/event.ts'
import { Engine } from '../engine/duckdb.ts'
import { fileSql, lit } from '../engine/sql.ts'
import { columnDefinitions } from '../engine/types.ts'
import { fileColumns } from './file-columns.ts'
import { EMPTY_ROOT, leafHash, rootOfHashes } from './merkle.ts'
import { rowBytes } from './row-bytes.ts'
import { rowForm, sealedForm } from './row-form.ts'
import { digestFiles, digestRows, PAGE_ROWS, rowContent } from './rows.ts'

const inFile = EVENT_COLUMNS.filter(({ name }) => name !== 'event_date')
const form = rowForm('events', inFile)

let folder: string
let engine: Engine

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rows-'))
  engine = await Engine.open({ tempDir: join(folder, 'spill') })
  await engine.run(`CREATE TEMP TABLE made (${columnDefinitions(inFile)})`)
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

/** Writes rows given as SQL assignments by column name; the rest is null. */
async function write(name: string, rows: readonly Readonly<Record<string, string>>[]): Promise<string> {
  const path = join(folder, name)
  await engine.run('DELETE FROM made')
  for (const row of rows) {
    await engine.run(`INSERT INTO made (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).join(', ')})`)
  }
  await engine.run(`COPY made TO ${lit(path)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`)
  return path
}

const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest()

/** The bytes of a row as the design page has them, written after the page and not after the program. */
function bytesOf(values: readonly (string | null)[]): Buffer {
  const bytes: number[] = []
  for (const value of values) {
    if (value === null) bytes.push(2)
    else bytes.push(1, ...[...Buffer.from(value)].map((byte) => byte + 1), 0)
  }
  return Buffer.from(bytes)
}

async function bytesAt(path: string, position: number, as = form): Promise<Buffer> {
  const { hex } = await engine.row<{ hex: string }>(
    `SELECT hex(${as.bytes}) AS hex FROM read_parquet([${fileSql(path)}], file_row_number = true) WHERE file_row_number = ${position}`,
  )
  return Buffer.from(hex, 'hex')
}

describe('the canonical bytes of a row', () => {
  const columns: Readonly<Record<string, string>> = {
    event_id: lit('e1'),
    event_time: "TIMESTAMPTZ '2026-11-22 01:02:03.456789Z'",
    batch_id: lit('left out'),
    service: lit('unity"Catalog\\'),
    user_agent: "chr(31) || chr(9) || 'é\u2028' || chr(127) || chr(0) || chr(1114111) || chr(1)",
    actor:
      "{'type': 'user', 'id': NULL, 'name': NULL, 'email': 'a@b.c', 'identity_provider': NULL, 'run_by': NULL, 'run_as': NULL, 'acting_resource': NULL, 'impersonated_by': ''}",
    status_code: '200',
    request_params: "MAP {'b': '{\"x\": 1}', 'a': NULL}",
    sensitivity: "['PII', NULL]",
    policy_set:
      "[{'type': 'DATA', 'subscription_policy_type': NULL, 'rule_applied_for_user': false, 'rationale': NULL, 'global': true, 'merged_policies': NULL}]",
  }
  const told: Readonly<Record<string, string>> = {
    event_id: 'e1',
    event_time: '1795309323456789',
    service: 'unity"Catalog\\',
    user_agent: '\u001f\té\u2028\u007f\u0000\u{10ffff}\u0001',
    'actor.type': 'user',
    'actor.email': 'a@b.c',
    'actor.impersonated_by': '',
    status_code: '200',
    request_params: '{"b":"{\\"x\\": 1}","a":null}',
    sensitivity: '["PII",null]',
    policy_set:
      '[{"type":"DATA","subscription_policy_type":null,"rule_applied_for_user":false,"rationale":null,"global":true,"merged_policies":null}]',
  }
  const nested = ['access_controls', 'policy_set', 'sensitivity', 'tags', 'request_params']

  it('are what the design page says, written by hand here', async () => {
    const path = await write('one.parquet', [columns])
    expect(form.names.slice(-nested.length)).toEqual(nested)
    const values = form.names.map((name) => told[name] ?? null)
    expect(await rowContent(engine, path, form, 0)).toEqual({ values })
    const bytes = bytesOf(values)
    expect((await bytesAt(path, 0)).equals(bytes)).toBe(true)
    expect(rowBytes(values).equals(bytes)).toBe(true)
    const { root } = await digestRows(engine, path, form)
    expect(root.toString('hex')).toBe(Buffer.from(leafHash(sha256(bytes))).toString('hex'))
  })

  it('are a text in the form of before, which is read still', async () => {
    const path = await write('text.parquet', [columns])
    const older = rowForm('events', inFile, 'row/1')
    expect([older.names, older.columns]).toEqual([form.names, form.columns])
    const plain = older.names.slice(0, -nested.length)
    const first = JSON.stringify(plain.map((name) => told[name] ?? null)).replace('\\u001f', '\\u001F')
    const text = [first, ...nested.map((name) => told[name] ?? '')].join('\n')
    expect(await rowContent(engine, path, older, 0)).toEqual({ text })
    const { root } = await digestRows(engine, path, older)
    expect(root.toString('hex')).toBe(Buffer.from(leafHash(sha256(text))).toString('hex'))
  })

  it('are not digested by an engine that writes them otherwise, or in a form that is not known', async () => {
    const path = await write('otherwise.parquet', [columns])
    const other = await Engine.open({ threads: 1 })
    vi.spyOn(other, 'row').mockResolvedValueOnce({ written: '0100' })
    await expect(digestRows(other, path, form)).rejects.toMatchObject({ code: 'ENGINE' })
    expect((await digestRows(other, path, form)).rows).toBe(1)
    other.close()
    const record = { path, bytes: 1, sha256: '', rows: 1, rowsRoot: '', columns: '' }
    expect(() => sealedForm('events', inFile, { ...record, rowForm: 'row/3' })).toThrow(/row\/3/)
    expect(sealedForm('events', inFile, { ...record, rowForm: 'row/1' }).name).toBe('row/1')
  })

  it('leaves out what Bricktrail says, and nothing the source said', () => {
    const told = new Set(form.names.map((name) => name.split('.')[0]))
    expect(inFile.map(({ name }) => name).filter((name) => !told.has(name))).toEqual([
      'ingest_time',
      'source',
      'batch_id',
      'category',
      'verb',
      'key_event',
      'client',
      'geo',
      'targets',
      'redactions',
      'record_bytes',
    ])
  })

  it('tells apart rows that differ only in where one value ends', async () => {
    const path = await write('ends.parquet', [
      { service: lit('a","b'), action: lit('c') },
      { service: lit('a'), action: lit('b","c') },
      { service: lit(''), action: 'NULL' },
      { service: 'NULL', action: lit('') },
    ])
    const all = await Promise.all([0, 1, 2, 3].map((position) => bytesAt(path, position)))
    expect(new Set(all.map((bytes) => bytes.toString('hex'))).size).toBe(4)
  })
})

describe('the root of a file', () => {
  it('is that of an RFC 6962 tree over pages of row digests, in the order of the file', async () => {
    const rows = PAGE_ROWS * 2 + 5
    const path = await write(
      'pages.parquet',
      Array.from({ length: rows }, (_, index) => ({ event_id: lit(`e${index}`) })),
    )
    const digests: Buffer[] = []
    for (let position = 0; position < rows; position++) digests.push(sha256(await bytesAt(path, position)))
    const pages = [0, 1, 2].map((page) => Buffer.concat(digests.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS)))
    const digested = await digestRows(engine, path, form)
    expect(digested.rows).toBe(rows)
    expect(digested.pages.map((page) => page.toString('hex'))).toEqual(pages.map((page) => page.toString('hex')))
    expect(digested.root.equals(rootOfHashes(pages.map((page) => leafHash(page))))).toBe(true)
  })

  it('changes with any value of any row that the source told', async () => {
    const at = async (value: string) =>
      (await digestRows(engine, await write('v.parquet', [{ event_id: "'x'", error_message: value }]), form)).root
    expect((await at("'a'")).equals(await at("'b'"))).toBe(false)
    expect((await at("'a'")).equals(await at("'a'"))).toBe(true)
  })

  it('is the same for each of several files, whatever they are called, and for one without rows', async () => {
    const paths = [
      await write('b[1]*.parquet', [{ event_id: lit('b1') }, { event_id: lit('b2') }]),
      await write('none.parquet', []),
      await write("a'?.parquet", [{ event_id: lit('a') }]),
    ]
    const together = await digestFiles(engine, paths, form)
    expect(together.map(({ rows }) => rows)).toEqual([2, 0, 1])
    for (const [at, path] of paths.entries()) expect(await digestRows(engine, path, form)).toEqual(together[at])
    expect(together[1]?.root.equals(EMPTY_ROOT)).toBe(true)
  })

  it('is the same with many row groups and threads', async () => {
    const select = `SELECT * REPLACE ('e' || range AS event_id) FROM (SELECT made.*, range FROM range(20000) LEFT JOIN made ON false)`
    const roots = []
    for (const size of [2048, 100_000]) {
      const path = join(folder, `groups-${size}.parquet`)
      await engine.run(
        `COPY (SELECT * EXCLUDE (range) FROM (${select}) ORDER BY range) TO ${lit(path)} (FORMAT parquet, ROW_GROUP_SIZE ${size})`,
      )
      roots.push((await digestRows(engine, path, form)).root.toString('hex'))
    }
    expect(roots[0]).toBe(roots[1])
  })
})

describe('the columns of a file', () => {
  it('are read back as they were written, nested ones too', async () => {
    const path = await write('columns.parquet', [{ event_id: "'x'" }])
    const bare = JSON.parse(JSON.stringify(inFile, (key, value) => (key === 'doc' ? '' : value)))
    expect(await fileColumns(engine, path)).toEqual(bare)
    expect(rowForm('events', await fileColumns(engine, path))).toEqual(form)
  })

  it('give the rows of an older file the bytes they had when it was written', async () => {
    const path = join(folder, 'older.parquet')
    await engine.run(`COPY (SELECT 'x' AS event_id, {'type': 'user'} AS actor) TO ${lit(path)} (FORMAT parquet)`)
    const older = rowForm('events', await fileColumns(engine, path))
    expect(older.names).toEqual(['event_id', 'actor.type'])
    expect(await bytesAt(path, 0, older)).toEqual(bytesOf(['x', 'user']))
    expect(fileSql(path)).toContain('older')
  })
})
