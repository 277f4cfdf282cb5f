import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rowsSql, type SqlRow } from '../../ask/small-lake.fixture.ts'
import { type Column, type ColumnType, EVENT_COLUMNS, REJECT_COLUMNS } from '../../core/event.ts'
import { FINDING_COLUMNS } from '../../core/finding.ts'
import { Engine } from '../../engine/duckdb.ts'
import { ident, lit } from '../../engine/sql.ts'
import type { Mask } from '../contract.ts'
import { maskedText, type Sight, visibleEvents, visibleFindings, visibleRejects } from './visible.ts'

const KEY = 'a key for tests'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ memoryLimitMb: 400, threads: 1 })
})
afterAll(() => engine.close())

const sight = (masks: readonly Mask[], rows: Sight['rows'] = {}): Sight => ({ masks, rows })
const ALL: readonly Mask[] = ['email', 'ip', 'query']

async function shown(columns: readonly Column[], rows: readonly SqlRow[], masks: readonly Mask[]): Promise<string> {
  const source = `(${rowsSql(columns, rows)})`
  const options = { key: KEY }
  const relation =
    columns === EVENT_COLUMNS
      ? visibleEvents(source, sight(masks), options)
      : columns === FINDING_COLUMNS
        ? visibleFindings(source, `(${rowsSql(EVENT_COLUMNS, [{}])})`, sight(masks), options)
        : visibleRejects(source, sight(masks), options)
  const found = await engine.rows<{ row: string }>(
    `SELECT to_json(r)::VARCHAR AS "row" FROM (SELECT * FROM ${relation}) r`,
  )
  return found.map(({ row }) => row).join('\n')
}

/** SQL of a value of a type in which every text is one of `texts`, taken in turn. */
function sqlOf(type: ColumnType, next: () => string): string {
  if (type === 'string') return lit(next())
  if (type === 'integer' || type === 'long') return '1'
  if (type === 'boolean') return 'true'
  if (type === 'timestamp') return "TIMESTAMPTZ '2026-11-12 08:15:30Z'"
  if (type === 'date') return "DATE '2026-11-12'"
  if ('array' in type) return `[${sqlOf(type.array, next)}, ${sqlOf(type.array, next)}]`
  if ('map' in type) return `MAP {${lit(`${next()} 1`)}: ${lit(next())}, ${lit(`${next()} 2`)}: ${lit(next())}}`
  return `{${type.struct.map((field) => `${lit(field.name)}: ${sqlOf(field.type, next)}`).join(', ')}}`
}

/** Words of ours and digests: nothing that came with a record is in them. */
const OURS = new Set(
  'event_id batch_id form cloud category verb key_event status client geo account_id workspace_id audit_level source reason reject_id finding_id rule_id rule_name rule_version rule_kind level threat tags entity_field event_ids evidence superseded_by content_base64'.split(
    ' ',
  ),
)

const rowWith = (columns: readonly Column[], texts: readonly string[]): SqlRow => {
  let at = 0
  const next = () => texts[at++ % texts.length] ?? ''
  return Object.fromEntries(
    columns
      .filter(({ name }) => !OURS.has(name) || name === 'content_base64')
      .map(({ name, type }) => [name, sqlOf(type, next)]),
  )
}

const local = fc.stringMatching(/^[a-z][a-z0-9._+-]{3,14}[a-z0-9]$/)
const mail = fc.tuple(local, fc.constantFrom('example.com', 'mail.example.co.uk', 'EXAMPLE.org', 'exämple.de'))
const octet = fc.integer({ min: 1, max: 254 })
const v4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'))
const group = fc.integer({ min: 0x1000, max: 0xffff }).map((n) => n.toString(16))
const v6 = fc.oneof(
  fc.array(group, { minLength: 8, maxLength: 8 }).map((parts) => parts.join(':')),
  fc.tuple(group, group, group, group).map(([a, b, c, d]) => `${a}:${b}:${c}::${d}`),
  fc.tuple(group, group).map(([a, b]) => `${a}::${b}`),
)
const around = fc.constantFrom(
  (text: string) => text,
  (text: string) => `seen ${text} at 08:15:30`,
  (text: string) => `{"user":"${text}","n":1}`,
  (text: string) => `/Users/${text}/notebook`,
  (text: string) => `<${text}>`,
  (text: string) => `a=${text}&b=2`,
  (text: string) => `(${text}), [${text}]`,
)

/** So many rows go through one statement: planning it takes most of the time. */
const ROWS = { minLength: 10, maxLength: 16 }
const TABLES = [EVENT_COLUMNS, FINDING_COLUMNS, REJECT_COLUMNS]

describe('a masked relation', () => {
  it('lets no planted e-mail address out of any column', async () => {
    const property = fc.asyncProperty(fc.array(fc.tuple(mail, around), ROWS), async (planted) => {
      const rowsOf = (columns: readonly Column[]) =>
        planted.map(([[name, domain], put]) => rowWith(columns, [put(`${name}@${domain}`)]))
      for (const columns of TABLES) {
        const out = (await shown(columns, rowsOf(columns), ['email'])).toLowerCase()
        for (const [[name, domain]] of planted) expect(out).not.toContain(`${name}@${domain}`.toLowerCase())
      }
    })
    await fc.assert(property, { numRuns: 10 })
  }, 90_000)

  it('lets no planted address out of any column', async () => {
    const property = fc.asyncProperty(fc.array(fc.tuple(fc.oneof(v4, v6), around), ROWS), async (planted) => {
      const rowsOf = (columns: readonly Column[]) => planted.map(([address, put]) => rowWith(columns, [put(address)]))
      for (const columns of TABLES) {
        const out = await shown(columns, rowsOf(columns), ['ip'])
        for (const [address] of planted) expect(out).not.toContain(address)
      }
    })
    await fc.assert(property, { numRuns: 10 })
  }, 90_000)

  it('lets both out of none, together', async () => {
    const property = fc.asyncProperty(fc.array(fc.tuple(mail, fc.oneof(v4, v6)), ROWS), async (planted) => {
      const rows = planted.map(([[name, domain], address]) =>
        rowWith(EVENT_COLUMNS, [`${name}@${domain} from ${address}`, address, `${name}@${domain}`]),
      )
      const out = await shown(EVENT_COLUMNS, rows, ALL)
      for (const [[name], address] of planted) {
        expect(out).not.toContain(`${name}@`)
        expect(out).not.toContain(address)
      }
    })
    await fc.assert(property, { numRuns: 8 })
  }, 90_000)

  it('shows of a query how long it is, wherever the record repeats it', async () => {
    const property = fc.asyncProperty(
      fc.stringMatching(/^SELECT [a-z"'\\ ]{4,30} FROM secret_plans$/),
      async (query) => {
        const row: SqlRow = {
          query: `{'text': ${lit(query)}, 'language': 'sql'}`,
          request_params: `MAP {'commandText': ${lit(query)}, 'other': ${lit(`ran ${query}`)}, 'n': '1'}`,
          error_message: lit(`cannot parse: ${query}`),
          response_result: `to_json({'q': ${lit(query)}})`,
          extra: `to_json({'query': ${lit(query)}})`,
        }
        const out = await shown(EVENT_COLUMNS, [row], ['query'])
        expect(out).not.toContain('secret_plans')
        expect(out).toContain(`[${query.length} characters]`)
        expect(out).toContain('"n":"1"')
      },
    )
    await fc.assert(property, { numRuns: 20 })
  }, 60_000)

  it('keeps domain and network, and the same person the same', async () => {
    const row: SqlRow = {
      actor: "{'type': 'user', 'email': 'Ana@Example.com', 'name': 'Ana Maria', 'run_as': 'ana@example.com'}",
      source_ip: "'10.20.30.40'",
      user_agent: "'curl for ana%40example.com'",
      targets: "[{'type': 'user', 'name': 'ana@example.com'}]",
    }
    const event = JSON.parse(await shown(EVENT_COLUMNS, [row], ALL))
    const who = event.targets[0].name
    expect(who).toMatch(/^p-[0-9a-f]{12}@example\.com$/)
    expect(event.actor).toMatchObject({ run_as: who, email: who.replace('example.com', 'Example.com') })
    expect(event.actor.name).toMatch(/^p-[0-9a-f]{12}$/)
    expect(event.source_ip).toBe('10.20.30.0/24')
    expect(event.user_agent).toBe(`curl for ${who}`)
  })

  it.each([
    ['{"a":"j\\\\u00fcrgen.m\\\\u00fcller@firma.example"}', /rgen|ller/],
    ['{"a":"j\\u00fcrgen.m\\u00fcller@firma.example"}', /rgen|ller/],
    ['seen "ana lopez"@firma.example twice', /ana|lopez/],
    ["o'brien@firma.example read it", /brien|o'/],
    ['/u?who=ana.lopez%2540firma.example', /ana|lopez/],
    ['ana.lopez＠firma.example', /ana|lopez/],
  ])('leaves nothing of a name: %s', async (text, hidden) => {
    const out = JSON.parse(await shown(EVENT_COLUMNS, [{ response_result: lit(text) }], ['email']))
    expect(out.response_result).not.toMatch(hidden)
    expect(out.response_result).toMatch(/p-[0-9a-f]{12}@firma[.]example/)
  })

  it('replaces an address at the end of a text, and nothing of the text before it', async () => {
    const row: SqlRow = {
      actor: "{'type': 'user', 'email': 'ana@example.com'}",
      error_message: "'Risk of ana@example.com'",
      status_reason: "'Risk of ana@example.com from 10.20.30.40'",
    }
    for (const masks of [['email'], ['email', 'ip']] as const) {
      const out = JSON.parse(await shown(EVENT_COLUMNS, [row], masks))
      expect(out.actor.email).toMatch(/^p-[0-9a-f]{12}@example\.com$/)
      expect(out.error_message).toBe(`Risk of ${out.actor.email}`)
      expect(out.status_reason).toContain(`Risk of ${out.actor.email} from 10.20.30.`)
    }
  })

  it('takes all of what names an actor for their name', async () => {
    const row: SqlRow = {
      actor: "{'type': 'user', 'email': 'smith, john@example.com', 'run_as': 'ana@x.org (Ana Lopez)'}",
    }
    const { actor } = JSON.parse(await shown(EVENT_COLUMNS, [row], ['email']))
    expect(actor.email).toMatch(/^p-[0-9a-f]{12}@example\.com$/)
    expect(actor.run_as).toMatch(/^p-[0-9a-f]{12}$/)
  })

  it('leaves service principals, times and plain texts as they are', async () => {
    const row: SqlRow = {
      actor: "{'type': 'service_principal', 'email': 'cdfa295b-a00b-4d8c-b5a6-6183f588e511', 'name': 'nightly etl'}",
      user_agent: "'databricks-sdk-py/0.67.0 python/3.11.9 at 08:15:30'",
      request_params: "MAP {'full_name_arg': 'main.hr.salaries'}",
    }
    const plain = JSON.parse(await shown(EVENT_COLUMNS, [row], []))
    expect(JSON.parse(await shown(EVENT_COLUMNS, [row], ALL))).toEqual(plain)
  })

  it.each([
    'Mozilla/5.0 (X11) Chrome/141.0.0.0 Edg/141.0.0.0 Safari/537.36',
    'Chrome/141.0.0.0',
    'x (Electron/39.1.2.0; OPR/125.0.0.0)',
  ])('takes numbers of products in a user agent for versions: %s', async (agent) => {
    for (const masks of [['ip'], ALL] as const) {
      const event = JSON.parse(await shown(EVENT_COLUMNS, [{ user_agent: lit(agent) }], masks))
      expect(event.user_agent).toBe(agent)
    }
  })

  it.each([
    'curl from http://10.1.2.3/',
    'x http://host/10.1.2.3',
    '/10.1.2.3',
    'to=probe/10.1.2.3',
    'probe/10.1.2.3:8080',
    'probe/10.1.2.3/a',
    'Chrome/141.0.0.0 10.1.2.3',
  ])('takes every other address in a user agent for one: %s', async (agent) => {
    const row = { user_agent: lit(agent), error_message: lit('Chrome/10.1.2.3') }
    const text = await shown(EVENT_COLUMNS, [row], ['ip'])
    expect(text).not.toContain('10.1.2.3')
    expect(JSON.parse(text)).toMatchObject({
      user_agent: agent.replace('10.1.2.3', '10.1.2.0/24'),
      error_message: 'Chrome/10.1.2.0/24',
    })
  })

  it('masks texts from outside the lake as it masks events', async () => {
    const sql = (text: string, what: 'text' | 'name') => `${maskedText('t', what, sight(ALL), KEY)} AS ${ident(text)}`
    const [row] = await engine.rows<{ text: string; name: string }>(
      `SELECT ${sql('text', 'text')}, ${sql('name', 'name')} FROM (SELECT 'ana@example.com' AS t)`,
    )
    expect(row?.text).toBe(row?.name)
    expect(row?.text).toMatch(/^p-[0-9a-f]{12}@example\.com$/)
  })
})

describe('limits of rows', () => {
  const events = `(${rowsSql(EVENT_COLUMNS, [
    { event_id: "'a'", workspace_id: "'42'", category: "'job'", extra: "'1'" },
    { event_id: "'b'", workspace_id: "'7'", category: "'secret'", extra: "'no number: hidden'" },
    { event_id: "'c'", category: "'job'" },
    { event_id: "'d'", workspace_id: "'42'", category: "'audit'", service: "'Bricktrail'" },
  ])})`
  const ids = async (rows: Sight['rows']) => {
    const relation = visibleEvents(events, sight([], rows), { key: KEY })
    return (await engine.rows<{ id: string }>(`SELECT event_id AS id FROM ${relation} ORDER BY id`))
      .map(({ id }) => id)
      .join('')
  }

  it('let rows of these workspaces and categories through, and no others', async () => {
    expect(await ids({})).toBe('abcd')
    expect(await ids({ workspaces: ['42'] })).toBe('ad')
    expect(await ids({ categories: ['job'] })).toBe('ac')
    expect(await ids({ workspaces: ['42', '7'], categories: ['job'] })).toBe('a')
    expect(await ids({ workspaces: [] })).toBe('')
    expect(await ids({ use: false })).toBe('abc')
  })

  it('show no failing expression of somebody else a row that is not theirs', async () => {
    const relation = visibleEvents(events, sight([], { workspaces: ['42'] }), { key: KEY, guarded: true })
    const asking = engine.rows(
      `SELECT count(*)::INTEGER AS n FROM (SELECT * FROM ${relation}) WHERE extra::INTEGER = 1`,
    )
    expect(await asking).toEqual([{ n: 1 }])
  })

  it('let a finding through where all of its events are', async () => {
    const finding = (id: string, ...of: string[]): SqlRow => ({
      finding_id: lit(id),
      events: String(of.length),
      event_ids: `[${of.map(lit).join(', ')}]`,
    })
    const findings = `(${rowsSql(FINDING_COLUMNS, [finding('one', 'a'), finding('two', 'a', 'b'), finding('own', 'd'), { finding_id: "'none'" }])})`
    const seen = async (rows: Sight['rows']) => {
      const relation = visibleFindings(findings, events, sight([], rows), { key: KEY })
      const found = await engine.rows<{ id: string }>(`SELECT finding_id AS id FROM ${relation} ORDER BY id`)
      return found.map(({ id }) => id)
    }
    expect(await seen({})).toEqual(['none', 'one', 'own', 'two'])
    expect(await seen({ workspaces: ['42'] })).toEqual(['one', 'own'])
    expect(await seen({ use: false })).toEqual(['one', 'two'])
  })

  it('let no finding through that may hold others among the events it does not name', async () => {
    const minute = (nth: number) => `TIMESTAMPTZ '2026-11-12T08:0${nth}:00Z'`
    const at = (id: string, nth: number, more: SqlRow = {}): SqlRow => ({
      event_id: lit(id),
      event_time: minute(nth),
      workspace_id: "'42'",
      actor: "{'email': 'ana@example.com'}",
      source_ip: "'198.51.100.7'",
      ...more,
    })
    const asked = { workspace_id: "'0'", service: "'bricktrail'" }
    const own = `(${rowsSql(EVENT_COLUMNS, [
      at('a', 1),
      at('use', 2, { ...asked, actor: "{'email': 'Bob@example.com'}" }),
      at('later', 8, asked),
    ])})`
    const many = (id: string, group: string, to = 3): SqlRow => ({
      finding_id: lit(id),
      first_time: minute(0),
      last_time: minute(to),
      events: '101',
      event_ids: "['a']",
      group,
    })
    const findings = `(${rowsSql(FINDING_COLUMNS, [
      { ...many('whole', "MAP {'actor.email': 'bob@example.com'}"), events: '1' },
      many('of ana', "MAP {'actor.email': 'ana@example.com'}"),
      many('of ana, later', "MAP {'actor.email': 'ana@example.com'}", 9),
      many('of bob', "MAP {'actor.email': 'bob@example.com'}"),
      many('from there', "MAP {'sourceIPAddress': '198.51.100.7'}"),
      many('from elsewhere', "MAP {'sourceIPAddress': '203.0.113.9'}"),
      many('of nobody', "MAP {'requestParams.share': 's'}"),
      many('of whoever', 'NULL'),
      { ...many('gone', "MAP {'actor.email': 'ana@example.com'}"), events: '2', event_ids: "['a', NULL]" },
    ])})`
    const seen = async (rows: Sight['rows']) => {
      const relation = visibleFindings(findings, own, sight([], rows), { key: KEY })
      const found = await engine.rows<{ id: string }>(`SELECT finding_id AS id FROM ${relation} ORDER BY id`)
      return found.map(({ id }) => id)
    }
    expect(await seen({ workspaces: ['42'] })).toEqual(['whole'])
    expect(await seen({ use: false })).toEqual(['from elsewhere', 'gone', 'of ana', 'whole'])
    expect(await seen({ workspaces: ['42'], use: false })).toEqual(['whole'])
  })
})
