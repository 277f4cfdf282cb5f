/** What findings say of their rules, as a table beside the matches. */
import type { Engine, TextRow } from '../../engine/duckdb.ts'
import type { LinkedCorrelation } from '../correlate/link.ts'
import { calledRule } from '../review/chosen.ts'
import type { Programme } from './programme.ts'

/** Table of the rules: `number`, `key`, `kind`, what findings repeat of them, `tells`, and `gathers` for those without a correlation. */
export const RULES = 'temp.detect_rules'

/** Table of what correlations refer to: `rule` (number), `place`, `name` of the rule referred to. */
export const REFERRED = 'temp.detect_referred'

const COLUMNS = [
  'number',
  'key',
  'name',
  'version',
  'kind',
  'title',
  'level',
  'threat',
  'tags',
  'entity_field',
  'tells',
  'gathers',
  'measured',
  'asked',
  'span',
] as const

/** Makes {@link RULES} and {@link REFERRED}; once for a programme. */
export async function writeFacts(engine: Engine, programme: Programme): Promise<void> {
  const correlations = new Map(programme.correlations.map((each) => [each.number, each]))
  const rows = programme.rules.map(({ number, of, entity, tells }): TextRow => {
    const { meta, kind } = of.rule
    return {
      number: String(number),
      key: of.key,
      name: calledRule(of),
      version: of.version,
      kind,
      title: meta.title,
      level: of.level,
      threat: of.content.threat ?? null,
      tags: JSON.stringify(meta.tags),
      entity_field: entity ?? null,
      tells: String(tells),
      gathers: String(tells && kind !== 'correlation'),
      ...wordsOf(correlations.get(number)),
    }
  })
  await engine.tableOf('detect_rule_texts', rows, COLUMNS)
  await engine.run(`CREATE OR REPLACE TEMP TABLE detect_rules AS SELECT * REPLACE (number::INTEGER AS number, tells::BOOLEAN AS tells,
    gathers::BOOLEAN AS gathers, from_json(tags, '["VARCHAR"]') AS tags) FROM temp.detect_rule_texts`)
  const referred = programme.correlations.flatMap(({ number, refs }) =>
    refs.map((ref, at): TextRow => {
      const meta = programme.rules[ref]?.of.rule.meta
      return { rule: String(number), place: String(at), name: meta?.name ?? meta?.title ?? '' }
    }),
  )
  await engine.tableOf('detect_referred_texts', referred, ['rule', 'place', 'name'])
  await engine.run(
    'CREATE OR REPLACE TEMP TABLE detect_referred AS SELECT rule::INTEGER AS rule, place::INTEGER AS place, name FROM temp.detect_referred_texts',
  )
}

/** What a correlation measures and asks for, in words. */
function wordsOf(
  correlation: LinkedCorrelation | undefined,
): Readonly<Record<'measured' | 'asked' | 'span', string | null>> {
  if (correlation === undefined) return { measured: null, asked: null, span: null }
  const { type, fields, bounds, timespanSecs, percentile } = correlation.rule
  const of = fields.length === 0 ? '' : ` of ${fields.join(', ')}`
  return {
    measured: `${type}${percentile === undefined ? '' : ` ${percentile}`}${of}`,
    asked: bounds.map(({ op, value }) => `${SIGNS[op]} ${value}`).join(' and ') || null,
    span: spanText(timespanSecs),
  }
}

const SIGNS = { gt: 'over', gte: 'at least', lt: 'under', lte: 'at most', eq: 'exactly', neq: 'other than' } as const

const UNITS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
  [1, 's'],
] as const

/** Seconds as rules write them: 90s, 15m, 24h. */
export function spanText(secs: number): string {
  const [size, unit] = UNITS.find(([each]) => secs % each === 0) ?? [1, 's']
  return `${secs / size}${unit}`
}
