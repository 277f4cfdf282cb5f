/**
 * Every record in `fixtures/records/<form>/` becomes exactly the event beside it. A new case is files only:
 * `<case>.jsonl` (or `.json`, one record as it stands), `<case>.path` if the object's path matters, and
 * `<case>.expected.json`, which `UPDATE_FIXTURES=1` writes: read it before you believe it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Row } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import type { Form } from './contract.ts'
import { sameEventSql, sharedPartSql } from './fingerprint.ts'
import { OBJECT_TIME, type Readings, RecordReader, type RecordText } from './read-records.fixture.ts'
import { FORMS, formNamed } from './registry.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/records')

interface Case {
  readonly name: string
  readonly form: Form
  readonly records: readonly string[]
  readonly path: string | null
  readonly expectedPath: string
}

const isRecords = (file: string): boolean => /\.jsonl?$/.test(file) && !file.endsWith('.expected.json')

function readCase(folder: string, file: string, form: Form): Case {
  const stem = file.replace(/\.jsonl?$/, '')
  const at = (suffix: string) => join(FIXTURES, folder, `${stem}${suffix}`)
  const text = readFileSync(join(FIXTURES, folder, file), 'utf8')
  return {
    name: `${folder}/${stem}`,
    form,
    records: file.endsWith('.json') ? [text] : text.split('\n').filter((line) => line !== ''),
    path: existsSync(at('.path')) ? readFileSync(at('.path'), 'utf8').trim() : null,
    expectedPath: at('.expected.json'),
  }
}

const casesOf = (form: Form): Case[] =>
  readdirSync(join(FIXTURES, form.name))
    .filter(isRecords)
    .map((file) => readCase(form.name, file, form))

/** `azure.log-analytics.jsonl` is in form `azure`. */
const routesOf = (event: string): Case[] => {
  const folder = `same-event/${event}`
  return readdirSync(join(FIXTURES, folder))
    .filter(isRecords)
    .map((file) => readCase(folder, file, formNamed(file.split('.', 1)[0] ?? '')))
}

let reader: RecordReader
beforeAll(async () => {
  reader = await RecordReader.open()
})
afterAll(() => reader.close())

/** Every record is an object of its own, so that its event is found again. */
const recordsOf = ({ name, records, path }: Case): RecordText[] =>
  records.map((text, place) => {
    const pathWorkspace = /workspaceId=([^/]+)/.exec(path ?? '')?.[1]
    return { object: `${name}#${place}`, text, ...(pathWorkspace === undefined ? {} : { pathWorkspace }) }
  })

/** Where it came from says nothing about the reading. The place depends on the shipped databases: only its scope stays. */
const PROVENANCE = ['source', 'source_object', 'batch_id', 'form', 'ingest_time', 'record_bytes']

function present(row: Row): unknown {
  if (row.event_id === null) return { reject: row.status_reason }
  const shown: Row = { ...row }
  for (const column of PROVENANCE) delete shown[column]
  if (shown.received_time === OBJECT_TIME) delete shown.received_time
  if (shown.geo !== null) shown.geo = { scope: (shown.geo as Row).scope }
  return withoutNulls(shown)
}

const isPairs = (value: readonly unknown[]): value is { key: string; value: unknown }[] =>
  value.length > 0 && value.every((each) => typeof each === 'object' && each !== null && 'key' in each)

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    if (isPairs(value) && new Set(value.map(({ key }) => key)).size === value.length) {
      return Object.fromEntries(value.map(({ key, value: text }) => [key, text]))
    }
    return value.map(withoutNulls)
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== null)
      .map(([key, each]) => [key, withoutNulls(each)]),
  )
}

const rowsOf = (each: Case, rows: Readings['tolerant']): Row[] =>
  each.records.map((_, place) => rows.get(`${each.name}#${place}`) as Row)

function expectedOf({ name, expectedPath }: Case, got: unknown): unknown {
  if (process.env.UPDATE_FIXTURES === '1') writeFileSync(expectedPath, `${JSON.stringify(got, null, 2)}\n`)
  if (!existsSync(expectedPath))
    throw new Error(`${name} has no .expected.json: run with UPDATE_FIXTURES=1 and read it`)
  return JSON.parse(readFileSync(expectedPath, 'utf8'))
}

describe.each(FORMS.map((form) => ({ form, cases: casesOf(form) })))(
  'records of form $form.name',
  ({ form, cases }) => {
    let tolerant: Readings['tolerant']
    let quick: Readings['quick']
    beforeAll(async () => {
      ;({ tolerant, quick } = await reader.read(form, cases.flatMap(recordsOf)))
    })

    it.each(cases)('$name', (each) => {
      const got = rowsOf(each, tolerant).map(present)
      expect(got).toEqual(expectedOf(each, got))
    })

    it('come out of the quick reading equal or are set aside', () => {
      const reads = [...quick].filter(([, row]) => row.status_reason !== 'aside')
      for (const [object, row] of reads) expect(row, object).toEqual(tolerant.get(object))
      expect(reads.filter(([, row]) => row.event_id !== null).length).toBeGreaterThan(0)
      expect(quick.size).toBe(tolerant.size)
    })

    it('are recognised by their content', () => {
      for (const { name, records } of cases) {
        const parsed = records.map((text) => parseObject(text)).filter((record) => record !== undefined)
        const [first] = parsed
        if (first === undefined) continue
        expect(FORMS.find((each) => each.recognises(first))?.name, name).toBe(form.name)
      }
    })
  },
)

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

describe('one event by several routes', () => {
  const events = readdirSync(join(FIXTURES, 'same-event')).map((event) => ({ event, routes: routesOf(event) }))
  const ids = new Map<string, string>()
  beforeAll(async () => {
    const byForm = Map.groupBy(
      events.flatMap(({ routes }) => routes),
      ({ form }) => form,
    )
    for (const [form, routes] of byForm) {
      const { tolerant } = await reader.read(form, routes.flatMap(recordsOf))
      for (const { name } of routes) ids.set(name, String(tolerant.get(`${name}#0`)?.event_id))
    }
  })

  it.each(events)('$event is one', async ({ routes }) => {
    const [first = '', ...others] = routes.map(({ name }) => ids.get(name) ?? '')
    expect(first).toMatch(/^[0-9a-f]{32}$/)
    expect(others.length).toBeGreaterThan(0)
    for (const other of others) expect(await isSame(first, other), `${first} ${other}`).toBe(true)
  })

  it('and different events are not', async () => {
    const firsts = events.map(({ routes }) => ids.get(routes[0]?.name ?? '') ?? '')
    expect(new Set(firsts).size).toBe(events.length)
    for (const other of firsts.slice(1)) expect(await isSame(firsts[0] ?? '', other)).toBe(false)
  })
})

async function isSame(a: string, b: string): Promise<boolean> {
  const shared = `${sharedPartSql(lit(a))} = ${sharedPartSql(lit(b))}`
  const { same } = await reader.engine.row<{ same: boolean }>(
    `SELECT ${shared} AND ${sameEventSql(lit(a), lit(b))} AS same`,
  )
  return same
}
