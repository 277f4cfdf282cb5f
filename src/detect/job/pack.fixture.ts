/** Packs and events for tests of passes. */
import { EVENT_COLUMNS } from '../../core/event.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { ident, lit, litOrNull } from '../../engine/sql.ts'
import { columnDefinitions } from '../../engine/types.ts'
import type { AnyRule, PackRule, RuleContent } from '../pack/pack.ts'
import { isYamlMap } from '../sigma/documents.ts'
import { parseRules } from '../sigma/parse.ts'
import { namesOf } from '../sigma/rule.ts'

const NO_CONTENT: RuleContent = {
  covers: [],
  controls: {},
  parameters: [],
  runbook: [],
  fires: [],
  silent: [],
  unlisted: [],
}

/** Rules of a text as a pack has them; only `entity` and `feeds` of their `bricktrail` block are read. */
export function packOf(text: string, version = 'v1'): { readonly rules: readonly PackRule[] } {
  const { rules, problems } = parseRules(text, 'rules.yml')
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join(' '))
  return { rules: rules.flatMap((rule) => (rule.kind === 'filter' ? [] : [packRule(rule, version)])) }
}

function packRule(rule: AnyRule, version: string): PackRule {
  const own = isYamlMap(rule.meta.custom.bricktrail) ? rule.meta.custom.bricktrail : {}
  return {
    key: namesOf(rule)[0] ?? rule.meta.title,
    version,
    rule,
    level: rule.meta.level ?? 'medium',
    feeds: own.feeds === true,
    content: typeof own.entity === 'string' ? { ...NO_CONTENT, entity: own.entity } : NO_CONTENT,
    file: 'rules.yml',
    isShipped: false,
  }
}

/** What of an event matters to a test. */
export interface PlainEvent {
  readonly id: string
  /** Seconds after {@link DAWN}. */
  readonly secs: number
  readonly action: string
  readonly who?: string | null
  readonly ip?: string
}

/** Where the seconds of {@link PlainEvent} begin. */
export const DAWN = Date.parse('2026-11-14T00:00:00Z')

/** Makes a table of events with these rows. */
export async function eventTable(engine: Engine, name: string, events: readonly PlainEvent[]): Promise<string> {
  await engine.run(`CREATE OR REPLACE TABLE ${name} (${columnDefinitions(EVENT_COLUMNS)})`)
  if (events.length === 0) return name
  const actor = EVENT_COLUMNS.find((column) => column.name === 'actor')?.type
  const members = typeof actor === 'object' && 'struct' in actor ? actor.struct : []
  const rows = events.map(({ id, secs, action, who = 'ada', ip }) => {
    const time = lit(new Date(DAWN + secs * 1000).toISOString())
    const person = members.map(
      (member) => `${ident(member.name)} := ${member.name === 'email' ? litOrNull(who) : 'NULL'}`,
    )
    return `SELECT ${lit(id)} AS event_id, ${time}::TIMESTAMPTZ AS event_time, ${time}::TIMESTAMPTZ::DATE AS event_date, 'accounts' AS service,
      ${lit(action)} AS "action", 200 AS status_code, struct_pack(${person.join(', ')}) AS actor, ${litOrNull(ip)} AS source_ip`
  })
  await engine.run(`INSERT INTO ${name} BY NAME ${rows.join(' UNION ALL ')}`)
  return name
}
