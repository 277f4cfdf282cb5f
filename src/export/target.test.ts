import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FORMATS, formatNamed } from './registry.ts'
import { exportTarget } from './target.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-target-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const ocsf = formatNamed('ocsf')

it('takes a name with an extension for a file, one without or with a slash for a folder', () => {
  expect(exportTarget(ocsf, join(folder, 'a.ndjson'))).toMatchObject({ kind: 'file', path: join(folder, 'a.ndjson') })
  expect(exportTarget(ocsf, join(folder, 'a'))).toMatchObject({ kind: 'folder', path: join(folder, 'a') })
  expect(exportTarget(ocsf, join(folder, 'a.b/'))).toMatchObject({ kind: 'folder', path: join(folder, 'a.b') })
})

it('takes what exists for what it is', async () => {
  await mkdir(join(folder, 'out.d'))
  await writeFile(join(folder, 'events'), '')
  expect(exportTarget(ocsf, join(folder, 'out.d')).kind).toBe('folder')
  expect(exportTarget(ocsf, join(folder, 'events')).kind).toBe('file')
  expect(() => exportTarget(ocsf, '/dev/null')).toThrow(/neither a file nor a folder/)
})

it('compresses by flag and by name', () => {
  expect(exportTarget(ocsf, join(folder, 'a.ndjson')).copyOptions).toMatch(/COMPRESSION none$/)
  expect(exportTarget(ocsf, join(folder, 'a.ndjson.gz')).copyOptions).toMatch(/COMPRESSION gzip$/)
  expect(exportTarget(ocsf, join(folder, 'a.ndjson'), true).copyOptions).toMatch(/COMPRESSION gzip$/)
  expect(exportTarget(ocsf, join(folder, 'a'), true).extension).toBe('ndjson.gz')
  expect(exportTarget(formatNamed('system-table'), join(folder, 'a.jsonl.gz')).copyOptions).toMatch(/COMPRESSION gzip$/)
})

it('takes - for standard output, as lines where a format has them, and refuses Parquet', () => {
  const kinds = FORMATS.filter(({ name }) => name !== 'parquet').map((format) => exportTarget(format, '-').kind)
  expect(new Set(kinds)).toEqual(new Set(['stream']))
  expect(exportTarget(formatNamed('system-table'), '-').copyOptions).toMatch(/^FORMAT json/)
  expect(exportTarget(formatNamed('csv'), '-', true).continued).toMatch(/HEADER false, COMPRESSION gzip$/)
  expect(() => exportTarget(formatNamed('parquet'), '-')).toThrow('parquet cannot go to standard output')
  expect(exportTarget(ocsf, join(folder, '-')).kind).toBe('folder')
})

it('names the formats there are', () => {
  expect(() => formatNamed('xml')).toThrow(/no export format "xml"/)
})
