import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { exportFormatSuite } from '../contract.suite.ts'
import type { ExportFormat } from '../contract.ts'
import { AWKWARD, ROWS, tableOfEvents } from '../rows.fixture.ts'
import { exportTarget } from '../target.ts'
import { exportFile } from '../write.ts'
import { csv, csvAsIs } from './csv.ts'

exportFormatSuite(csv)

let engine: Engine
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-csv-'))
  engine = await Engine.open()
  await tableOfEvents(engine, 'events', ROWS)
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

/** RFC 4180, read strictly: anything it does not allow is an error. */
function parseCsv(text: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  let at = 0
  while (at < text.length) {
    let cell = ''
    if (text[at] === '"') {
      for (at += 1; text[at] !== '"' || text[at + 1] === '"'; at += text[at] === '"' ? 2 : 1) {
        if (at >= text.length) throw new Error('a quoted cell has no end')
        cell += text[at]
      }
      at += 1
    } else {
      while (at < text.length && !/[,\r\n"]/.test(text[at] as string)) cell += text[at++]
    }
    record.push(cell)
    if (text[at] === ',') at += 1
    else if (text.startsWith('\r\n', at)) {
      at += 2
      records.push(record)
      record = []
    } else throw new Error(`unexpected ${JSON.stringify(text[at])} at ${at}`)
  }
  return records
}

async function exported(format: ExportFormat): Promise<Record<string, string>[]> {
  const path = join(folder, 'events.csv')
  await exportFile(engine, format, 'events', exportTarget(format, path))
  const [header = [], ...rows] = parseCsv(await readFile(path, 'utf8'))
  expect(header).toEqual(EVENT_COLUMNS.map((column) => column.name))
  for (const row of rows) expect(row).toHaveLength(header.length)
  return rows.map((row) => Object.fromEntries(header.map((name, index) => [name, row[index] ?? ''])))
}

it('parses back cell by cell, nested columns as JSON, times as ISO', async () => {
  const rows = await exported(csv)
  expect(rows).toHaveLength(ROWS.length)
  const awkward = rows.find((row) => row.service === AWKWARD)
  expect(awkward?.error_message).toBe(AWKWARD)
  expect(JSON.parse(awkward?.targets ?? '')[0].principal).toBe(AWKWARD)
  expect(JSON.parse(awkward?.request_params ?? '')).toEqual({ [AWKWARD]: AWKWARD, empty: '', missing: null })
  expect(awkward?.event_time).toBe('2026-03-05T23:59:59.999999Z')
  expect(rows.find((row) => row.event_id === 'f'.repeat(32))?.actor).toBe('')
})

it('makes cells harmless that a spreadsheet would run', async () => {
  const danger = (rows: Record<string, string>[]) =>
    rows.flatMap((row) => Object.values(row).filter((cell) => /^[=+\-@\t\r\n]/.test(cell)))
  expect(danger(await exported(csv))).toEqual([])
  expect(danger(await exported(csvAsIs)).sort()).toEqual(['\tx', '-2+3', '=1+1', '@SUM(1)'])
  const guarded = (await exported(csv)).flatMap((row) => Object.values(row).filter((cell) => cell.startsWith("'")))
  expect(guarded.sort()).toEqual(["'\tx", "'-2+3", "'=1+1", "'@SUM(1)"])
})
