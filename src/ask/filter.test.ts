import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../core/event.ts'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { type EventFilter, eventFilterSql, parsePatterns, patternTest, textFilterSql } from './filter.ts'
import { rowsSql, SMALL_EVENTS } from './small-lake.fixture.ts'

let engine: Engine

beforeAll(async () => {
  engine = await Engine.open()
  await engine.run(`CREATE TABLE events AS ${rowsSql(EVENT_COLUMNS, SMALL_EVENTS)}`)
})
afterAll(() => engine.close())

async function found(filter: EventFilter): Promise<string> {
  const rows = await engine.rows<{ id: string }>(
    `SELECT event_id AS id FROM events WHERE ${eventFilterSql(filter)} ORDER BY event_id`,
  )
  return rows.map((row) => row.id).join('')
}

describe('an event filter', () => {
  it('matches everything when it is empty', async () => {
    expect(eventFilterSql({})).toBe('TRUE')
    expect(await found({})).toBe('123')
  })

  it('finds the actor by e-mail, name, id or whom they act for, whatever the case', async () => {
    expect(await found({ actor: 'ADA@example.com' })).toBe('1')
    expect(await found({ actor: 'ada lovelace' })).toBe('1')
    expect(await found({ actor: 'C0FFEE' })).toBe('2')
    expect(await found({ actor: 'bob@example.com' })).toBe('2')
    expect(await found({ actor: 'nobody' })).toBe('')
  })

  it('takes lists and wildcards', async () => {
    expect(await found({ actor: 'ada@example.com, c0ffee' })).toBe('12')
    expect(await found({ actor: '*@example.com' })).toBe('123')
    expect(await found({ action: 'get*,*Login' })).toBe('12')
    expect(await found({ action: '*' })).toBe('123')
  })

  it('takes a comma or a star for itself after a backslash', async () => {
    expect(await found({ actor: 'smith\\, john@example.com' })).toBe('3')
    expect(parsePatterns('a\\*b, c*d_%,, x\\y ')).toEqual([
      { typed: 'a\\*b', value: 'a*b', exact: true },
      { typed: 'c*d_%', value: 'c%d\\_\\%', exact: false },
      { typed: 'x\\y', value: 'x\\y', exact: true },
    ])
  })

  it('matches the same texts in JavaScript as in SQL', async () => {
    const texts = fc.stringMatching(/^[abA_%.\\*,]{0,6}$/)
    const property = fc.asyncProperty(texts, fc.array(texts, { minLength: 1 }), async (list, values) => {
      const patterns = parsePatterns(list)
      fc.pre(patterns.length > 0)
      const hits = await engine.rows<{ value: string }>(
        `SELECT value FROM (SELECT unnest([${values.map(lit).join(', ')}]) AS value) WHERE ${textFilterSql('x', 'value', list)}`,
      )
      const tests = patterns.map(patternTest)
      expect(hits.map((row) => row.value)).toEqual(values.filter((value) => tests.some((test) => test(value))))
    })
    await fc.assert(property, { numRuns: 150 })
  })

  it('takes percent, underscore and quotes for themselves', async () => {
    expect(await found({ actor: "%' OR '1'='1" })).toBe('')
    expect(await found({ actor: 'a_a*' })).toBe('')
    expect(await found({ text: '100% SURE_' })).toBe('1')
    expect(await found({ text: '1__% sure' })).toBe('')
  })

  it('finds an action alone or with its service', async () => {
    expect(await found({ action: 'tokenlogin' })).toBe('1')
    expect(await found({ action: 'accounts.tokenLogin' })).toBe('1')
    expect(await found({ action: 'accounts.*' })).toBe('13')
    expect(await found({ action: 'unitycatalog.tokenlogin' })).toBe('')
  })

  it('finds targets by name, id, or the principal of a grant', async () => {
    expect(await found({ target: 'MAIN.hr.*' })).toBe('2')
    expect(await found({ target: 't-1' })).toBe('2')
    expect(await found({ target: 'eve@example.com' })).toBe('3')
    expect(await found({ target: 'table' })).toBe('')
  })

  it('finds by service, category, status, workspace and key event', async () => {
    expect(await found({ service: 'UNITYCATALOG' })).toBe('2')
    expect(await found({ category: 'identity,data_access' })).toBe('23')
    expect(await found({ status: 'failure,unauthorized' })).toBe('23')
    expect(await found({ workspace: '42' })).toBe('12')
    expect(await found({ keyEvent: 'role_*' })).toBe('3')
    expect(await found({ verb: 'LOGIN, add' })).toBe('13')
  })

  it('finds by address and address range', async () => {
    expect(await found({ ip: '10.0.0.0/8' })).toBe('1')
    expect(await found({ ip: '10.1.2.3, 2001:db8::/32' })).toBe('12')
    expect(await found({ ip: '::/0' })).toBe('2')
  })

  it('searches parameters, query text, error and result', async () => {
    expect(await found({ text: 'permission_denied' })).toBe('2')
    expect(await found({ text: 'Note' })).toBe('1')
    expect(await found({ text: "'a*b'" })).toBe('3')
    expect(await found({ text: '"id": 99' })).toBe('3')
    expect(await found({ text: 'select*from' })).toBe('3')
    expect(await found({ text: 'ada@example.com' })).toBe('1')
  })

  it('takes its first instant and leaves out its last', async () => {
    const [fromMs, toMs] = [Date.parse('2026-11-12T08:15:30Z'), Date.parse('2026-11-13T00:00:00Z')]
    expect(await found({ fromMs, toMs })).toBe('12')
    expect(await found({ fromMs: fromMs + 1 })).toBe('23')
    expect(await found({ toMs: toMs + 1 })).toBe('123')
  })

  it('joins conditions by AND', async () => {
    expect(await found({ service: 'accounts', status: 'failure' })).toBe('3')
    expect(await found({ service: 'accounts', category: 'data_access' })).toBe('')
  })

  it('refuses a condition that says nothing', () => {
    for (const filter of [{ actor: '' }, { action: ' , ' }, { text: ' ' }, { ip: '' }]) {
      expect(() => eventFilterSql(filter)).toThrowError(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    }
  })

  it('makes SQL that runs and that cannot be broken out of, whatever is typed', async () => {
    const nasty = fc
      .oneof(fc.string(), fc.stringMatching(/^['"\\%_*,;$() \-a-z]{1,30}$/))
      .filter((text) => text.trim() !== '')
    const property = fc.asyncProperty(nasty, async (typed) => {
      const filter: EventFilter = { actor: `${typed}x`, target: `${typed}x`, text: typed, status: `x${typed}` }
      const sql = `SELECT count(*) AS n FROM events WHERE (${eventFilterSql(filter)}) AND false`
      expect(await engine.rows(sql)).toEqual([{ n: '0' }])
    })
    await fc.assert(property, { numRuns: 100 })
  })

  it('finds a value that is typed exactly as it is, with its commas and stars protected', async () => {
    const values = fc.string({ minLength: 1 }).filter((text) => text.trim() === text && !text.includes('\0'))
    const property = fc.asyncProperty(values, async (value) => {
      const typed = value.replaceAll(/\\(?=[,*])/g, '').replaceAll(/[,*]/g, '\\$&')
      const plain = value.replaceAll(/\\(?=[,*])/g, '')
      const sql = `SELECT (${eventFilterSql({ service: typed })}) AS hit FROM (SELECT ${lit(plain)} AS service)`
      expect(await engine.rows(sql)).toEqual([{ hit: true }])
    })
    await fc.assert(property, { numRuns: 100 })
  })
})
