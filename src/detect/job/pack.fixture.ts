/** Packs and events for tests of passes. */
import type { Chance } from '../../../test/sigma/random-rules.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { isYamlMap } from '../../core/yaml/documents.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { ident, lit, litOrNull } from '../../engine/sql.ts'
import { columnDefinitions } from '../../engine/types.ts'
import type { AnyRule, PackRule, RuleContent } from '../pack/pack.ts'
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

const base = (name: string, action: string, feeds = true): string =>
  `title: ${name}\nname: ${name}\nlogsource: {}\ndetection:\n  s:\n    actionName: ${action}\n  condition: s\nbricktrail: { feeds: ${feeds} }\n`

const correlation = (name: string, section: string, feeds = false): string =>
  `title: ${name}\nname: ${name}\nbricktrail: { feeds: ${feeds} }\ncorrelation:\n${section.replaceAll(/^/gm, '  ')}\n`

const GROUPED = 'group-by: [actor.email]\ntimespan: 10m\n'

/** Rules of every kind of burst, over events of `randomEvents`. */
export const MANY_RULES = [
  base('alone', 'drop', false),
  base('a', 'login'),
  base('b', 'read'),
  base('c', 'grant'),
  correlation('count', `type: event_count\nrules: [a]\n${GROUPED}condition: { gte: 4 }`),
  correlation('values', `type: value_count\nrules: [b]\n${GROUPED}condition: { gte: 3, field: source_ip }`),
  correlation('few', `type: event_count\nrules: [a]\n${GROUPED}condition: { gte: 2, lt: 4 }`),
  correlation('both', `type: temporal\nrules: [a, c]\n${GROUPED}`),
  correlation('unless', `type: temporal\nrules: [a, c]\n${GROUPED}condition: a and not c`),
  correlation('ordered', `type: temporal_ordered\nrules: [a, b, c]\n${GROUPED}`),
  correlation('burst', `type: event_count\nrules: [b]\n${GROUPED}condition: { gte: 3 }`, true),
  correlation('then', 'type: temporal_ordered\nrules: [burst, c]\ngroup-by: [actor.email]\ntimespan: 30m'),
].join('---\n')

/** Events by chance, in order, no two at once: of these, which comes first is a matter of the id. */
export function randomEvents(chance: Chance, count: number): PlainEvent[] {
  const events = Array.from({ length: count }, (_, id): PlainEvent => {
    return {
      id: `e${String(id).padStart(3, '0')}`,
      secs: chance.below(4 * 3600),
      action: chance.one(['drop', 'login', 'read', 'grant']),
      who: chance.one(['ada', 'Ada', 'bob', null]),
      ip: chance.one(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']),
    }
  })
  return events.sort((a, b) => a.secs - b.secs).filter((event, at) => event.secs !== events[at - 1]?.secs)
}

/** Events in batches, in their order. */
export function splitUp(chance: Chance, events: readonly PlainEvent[]): PlainEvent[][] {
  const batches: PlainEvent[][] = [[]]
  for (const event of events) {
    if (chance.often(0.08)) batches.push([])
    batches.at(-1)?.push(event)
  }
  return batches
}
