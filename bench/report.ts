/** The figures as Markdown: one table, the questions, and each budget with what was measured. */
import { availableParallelism } from 'node:os'
import { median, type Outcome } from './outcome.ts'
import type { Row } from './rows.ts'

/** A promise of the project and what was measured. */
export interface Budget {
  readonly promise: string
  readonly measured: string
  readonly met: boolean
}

const number = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })

const middle = (row: Row, of: (outcome: Outcome) => number): number => median(row.rounds.map(of))

/** How many times as fast as `other`, round by round, the middle of the rounds. */
function speedRatio(row: Row, other: Row, of: (outcome: Outcome) => number): number {
  const ratios = row.rounds.map((outcome, at) => of(other.rounds[at] ?? outcome) / of(outcome))
  return median(ratios)
}

const seconds = (outcome: Outcome): number => outcome.seconds
const cpu = (outcome: Outcome): number => outcome.cpuSeconds
const rss = (outcome: Outcome): number => outcome.peakRssBytes
const bytesPerEvent = ({ details, events }: Outcome): number => (details.out_bytes ?? 0) / events

const COMPARED: ReadonlySet<string> = new Set([
  'bare',
  'bare-snappy',
  'bare-any-order',
  'floor',
  'chdb',
  'ours',
  'unsealed',
])

/** The whole report. */
export function markdown(rows: readonly Row[]): string {
  const parts = [`${availableParallelism()} cores.`, figures(rows)]
  const shares = floorShares(rows)
  if (shares !== undefined) parts.push(shares)
  const query = rows.find(({ name }) => name === 'query')
  if (query !== undefined) parts.push(details(query, 'question'))
  const served = rows.find(({ name }) => name === 'serve')
  if (served !== undefined) parts.push(details(served, 'explorer'))
  const kept = budgets(rows)
  if (kept.length > 0)
    parts.push(
      table(
        ['budget', 'measured', ''],
        kept.map(({ promise, measured, met }) => [promise, measured, met ? 'met' : 'missed']),
      ),
    )
  return `${parts.join('\n\n')}\n`
}

function figures(rows: readonly Row[]): string {
  const bare = rows.find(({ name }) => name === 'bare')
  const head = ['row', 'events', 'wall s', 'CPU s', 'events/s', 'peak RSS MB', 'bytes/event', 'speed ÷ bare', 'by CPU']
  const lines = rows
    .filter(({ name }) => name !== 'query' && name !== 'serve')
    .map((row) => {
      const events = middle(row, (outcome) => outcome.events)
      const wall = middle(row, seconds)
      const size = middle(row, bytesPerEvent)
      const ratio = (of: (outcome: Outcome) => number) =>
        bare !== undefined && COMPARED.has(row.name) ? number(speedRatio(row, bare, of), 2) : ''
      return [
        `\`${row.name}\` ${row.title}`,
        number(events),
        number(wall, wall < 1 ? 3 : 2),
        number(middle(row, cpu), wall < 1 ? 3 : 2),
        events > 0 ? number(events / wall) : '',
        number(middle(row, rss) / 1e6),
        Number.isFinite(size) && size > 0 ? number(size, 1) : '',
        ratio(seconds),
        ratio(cpu),
      ]
    })
  return table(head, lines)
}

/** How much of the distance to `bare` is the shape of the events alone; undefined where that was not measured. */
function floorShares(rows: readonly Row[]): string | undefined {
  const [bare, floor, ours] = ['bare', 'floor', 'ours'].map((wanted) => rows.find(({ name }) => name === wanted))
  if (bare === undefined || floor === undefined || ours === undefined) return undefined
  const share = (row: Row, other: Row) => number(speedRatio(row, other, cpu), 2)
  return `Speed by CPU: \`floor\` ÷ \`bare\` ${share(floor, bare)}, \`ours\` ÷ \`floor\` ${share(ours, floor)}.`
}

/** Figures of a row by name: milliseconds, unless the name says otherwise. */
function details(row: Row, heading: string): string {
  const { details: found = {} } = row.rounds[0] ?? {}
  const lines = Object.entries(found).map(([name, ms]) => [name.replace(/_ms$/, '').replaceAll('_', ' '), number(ms)])
  return table([heading, 'ms'], lines)
}

/** Each budget for which something was measured. */
export function budgets(rows: readonly Row[]): Budget[] {
  const row = (name: string) => rows.find((each) => each.name === name)
  const [bare, ours, unsealed, unchanged] = ['bare', 'ours', 'unsealed', 'unchanged'].map(row)
  const [verified, reread, small, large] = ['verify', 'reread', 'small', 'large'].map(row)
  const found: Budget[] = []
  const add = (promise: string, measured: string, met: boolean) => found.push({ promise, measured, met })
  if (bare !== undefined && ours !== undefined) {
    const [wall, work] = [speedRatio(ours, bare, seconds), speedRatio(ours, bare, cpu)]
    add(
      'at least 0.6 of the speed of bare DuckDB',
      `${number(wall, 2)} by the clock, ${number(work, 2)} by CPU`,
      wall >= 0.6,
    )
    const size = middle(ours, bytesPerEvent)
    add('at most 100 bytes an event on disk', number(size, 1), size <= 100)
  }
  for (const each of [ours, large]) {
    if (each === undefined) continue
    const events = number(middle(each, (outcome) => outcome.events))
    const peak = middle(each, rss)
    add(`peak memory at most 1.5 GB with ${events} events`, `${number(peak / 1e9, 2)} GB`, peak <= 1.5e9)
  }
  if (ours !== undefined && unchanged !== undefined) {
    const share = middle(unchanged, seconds) / middle(ours, seconds)
    add('ingesting the same again costs less than a tenth', `${number(100 * share, 1)} %`, share < 0.1)
  }
  if (ours !== undefined && unsealed !== undefined) {
    const [wall, work] = [speedRatio(unsealed, ours, seconds), speedRatio(unsealed, ours, cpu)]
    const measured = `${number(100 * (wall - 1), 1)} % by the clock, ${number(100 * (work - 1), 1)} % by CPU`
    add('sealing adds at most 15 % to ingest', measured, wall <= 1.15 && work <= 1.15)
  }
  if (verified !== undefined && reread !== undefined) {
    const share = 1 / speedRatio(verified, reread, seconds)
    add('verify takes less than reading its files twice', `${number(share, 2)} of it`, share < 1)
  }
  const delivered = row('deliver')
  if (delivered !== undefined) {
    const speed = middle(delivered, (outcome) => outcome.events / outcome.seconds)
    const work = middle(delivered, (outcome) => outcome.events / outcome.cpuSeconds)
    const ofBoth = ({ cpuSeconds, details }: Outcome) => cpuSeconds + (details.collector_cpu_s ?? 0)
    const quiet = middle(delivered, (outcome) => (2 * outcome.events) / ofBoth(outcome))
    const measured = `${number(speed)} by the clock; ${number(work)} a second of CPU, ${number(quiet)} on two cores with the collector`
    add('delivery: at least 50,000 events/s', measured, speed >= 50_000)
    const peak = middle(delivered, rss)
    add('delivery: peak memory at most 1.5 GB', `${number(peak / 1e9, 2)} GB`, peak <= 1.5e9)
  }
  const alerted = row('alert')
  if (alerted !== undefined) {
    const ms = (name: string) => middle(alerted, ({ details }) => details[name] ?? Number.NaN)
    const measured = `${number(ms('p95_ms'))} ms; median ${number(ms('p50_ms'))}, longest ${number(ms('max_ms'))}`
    add('finding to webhook: 95th percentile under 1 s', measured, ms('p95_ms') < 1000)
  }
  const served = row('serve')?.rounds[0]?.details
  if (served !== undefined) {
    const {
      all_p50_ms: p50 = 0,
      all_p95_ms: p95 = 0,
      failed = 0,
      rss_start_mb: start = 0,
      rss_half_mb: half = 0,
      rss_end_mb: end = 0,
      service_ready_ms: ready = Number.NaN,
    } = served
    const measured = `${number(p95)} ms; median ${number(p50)}, ${number(failed)} failed`
    add('50 people with the explorer: 95th percentile under 500 ms', measured, p95 < 500 && failed === 0)
    add('`bricktrail serve`, with its loop, ready under 1.5 s', `${number(ready)} ms`, ready < 1500)
    // What is kept fills up in the beginning; growth is what comes after that.
    add('no growth in memory', `${number(start)}, ${number(half)}, ${number(end)} MB`, end < half * 1.1)
  }
  if (small !== undefined) {
    const speed = middle(small, (outcome) => outcome.events / outcome.seconds)
    add('small objects: at least 40,000 events/s', number(speed), speed >= 40_000)
  }
  found.push(...detectionBudgets(rows))
  for (const each of rows.filter(({ name }) => name.startsWith('steady'))) {
    const wall = middle(each, seconds)
    const { p90_ms: p90 = 0, max_ms: longest = 0 } = each.rounds[0]?.details ?? {}
    const spread = `${number(wall * 1000)} ms; 90th percentile ${number(p90)}, longest ${number(longest)}`
    add(`a batch of 1,000 commits in under 300 ms (\`${each.name}\`)`, spread, wall < 0.3)
  }
  return found
}

const perCpuSecond = (row: Row): number => middle(row, ({ events, cpuSeconds }) => events / cpuSeconds)

/** Budgets of detection. By CPU is what two cores would do that are never idle. */
function detectionBudgets(rows: readonly Row[]): Budget[] {
  const row = (name: string) => rows.find((each) => each.name === name)
  const [detect, raw, rsigma] = ['detect', 'detect-raw', 'rsigma'].map(row)
  const [counted, few, many] = ['correlate', 'correlate-few', 'correlate-many'].map(row)
  const found: Budget[] = []
  if (detect !== undefined) {
    const wall = middle(detect, ({ events, seconds: secs }) => events / secs)
    const both = 2 * perCpuSecond(detect)
    const measured = `${number(wall)} by the clock, ${number(both)} by CPU`
    found.push({ promise: 'the rule pack at 300,000 events/s on two cores', measured, met: wall >= 300_000 })
  }
  if (raw !== undefined && rsigma !== undefined) {
    const ratio = perCpuSecond(raw) / perCpuSecond(rsigma)
    const promise = 'twice the speed of rsigma, events for each CPU second'
    found.push({ promise, measured: number(ratio, 2), met: ratio >= 2 })
  }
  if (counted !== undefined) {
    const peak = Math.max(...[counted, few, many].flatMap((each) => (each === undefined ? [] : [middle(each, rss)])))
    const promise = 'correlations of 100,000 groups within 1.5 GB'
    found.push({ promise, measured: `${number(peak / 1e9, 2)} GB`, met: peak <= 1.5e9 })
  }
  if (few !== undefined && many !== undefined) {
    const ratio = middle(many, cpu) / middle(few, cpu)
    const promise = 'value_count costs at most twice as much with many different values'
    found.push({ promise, measured: number(ratio, 2), met: ratio <= 2 })
  }
  return found
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rule = head.map((name, at) => (at === 0 || name === '' || name === 'measured' ? '---' : '---:'))
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
