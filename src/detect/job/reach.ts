/** How far back each rule looks: what of the state is needed still. */
import { habitReachSecs } from '../baseline/settings.ts'
import { GAP_SECS } from './gather.ts'
import type { Programme } from './programme.ts'

/** Logs are delivered this much late without being the worse for it: most are there within the hour. */
export const LATE_SECS = 2 * 86_400

/** No log goes back further; and the engine's spans end somewhere. */
export const LONGEST_SECS = 10 * 366 * 86_400

const bounded = (secs: number): number => Math.min(secs, LONGEST_SECS)

/** Seconds back from an event by the key of a rule; undefined: to the beginning. */
export interface Reaches {
  /** Of rules whose matches are counted: twice the windows above them, since the burst's first window has one before it. */
  readonly matches: ReadonlyMap<string, number>
  /** Of baselines. */
  readonly habits: ReadonlyMap<string, number | undefined>
  /** Of findings: how long after its last event one may still grow. */
  readonly bursts: ReadonlyMap<string, number>
}

/** Works out the reaches of a programme. */
export function reachesOf(programme: Programme): Reaches {
  const { rules, correlations, baselines, counted } = programme
  const above = (number: number): number =>
    Math.max(
      0,
      ...correlations
        .filter(({ refs }) => refs.includes(number))
        .map((each) => each.rule.timespanSecs + above(each.number)),
    )
  const keyOf = (number: number): string => rules[number]?.of.key ?? ''
  const bursts = rules.map(({ of }): [string, number] => {
    const { rule } = of
    if (rule.kind === 'correlation') return [of.key, bounded(rule.timespanSecs)]
    return [of.key, rule.kind === 'baseline' ? bounded(GAP_SECS + 2 * (rule.windowSecs ?? 0)) : GAP_SECS]
  })
  return {
    matches: new Map([...counted].map((number) => [keyOf(number), bounded(2 * above(number))])),
    habits: new Map(baselines.map(({ key, rule }) => [key, habitReachSecs(rule)])),
    bursts: new Map(bursts),
  }
}

/** What the state has of a rule depends on these: another text, and it is worked out again. */
export function versionsOf(programme: Programme, { matches, habits }: Reaches): Map<string, string> {
  const keyed = programme.rules.filter(({ of }) => matches.has(of.key) || habits.has(of.key))
  return new Map(
    keyed.map(({ number, of }) => {
      const fields = [...(programme.captured.get(number) ?? [])].sort().join(',')
      return [of.key, [of.version, matches.get(of.key) ?? '', habits.get(of.key) ?? '', fields].join(' ')]
    }),
  )
}
