/** Correlations worked out by loops over a list of matches: the other opinion in tests of the SQL. */

/** A match of a rule. */
export interface MatchRow {
  readonly rule: number
  readonly id: string
  readonly secs: number
  readonly fields: Readonly<Record<string, string | null>>
}

/** A correlation over rules by number. */
export interface PlainCorrelation {
  readonly type: string
  readonly refs: readonly number[]
  readonly groupBy: readonly string[]
  readonly spanSecs: number
  readonly met: (measure: number) => boolean
  readonly field?: string
  readonly percentile?: number
}

/** A burst. */
export interface PlainFinding {
  readonly group: readonly (string | null | undefined)[]
  readonly first: number
  readonly last: number
  readonly events: readonly string[]
}

/** The bursts of a correlation. */
export function correlate(correlation: PlainCorrelation, matches: readonly MatchRow[]): PlainFinding[] {
  const groups = new Map<string, { row: MatchRow; ref: number }[]>()
  correlation.refs.forEach((rule, ref) => {
    for (const row of matches) {
      const group = correlation.groupBy.map((name) => row.fields[name] ?? null)
      if (row.rule !== rule || group.includes(null)) continue
      const key = JSON.stringify(group)
      groups.set(key, [...(groups.get(key) ?? []), { row, ref }])
    }
  })
  return [...groups].flatMap(([key, rows]) =>
    burstsOf(correlation, rows).map((burst) => ({ group: JSON.parse(key), ...burst })),
  )
}

type Rows = readonly { readonly row: MatchRow; readonly ref: number }[]

function burstsOf(correlation: PlainCorrelation, rows: Rows): Omit<PlainFinding, 'group'>[] {
  const { spanSecs } = correlation
  const windowOf = (end: number): Rows => rows.filter(({ row }) => row.secs <= end && row.secs >= end - spanSecs)
  const ends = [
    ...new Set(rows.filter((end) => isMet(correlation, windowOf(end.row.secs), end)).map(({ row }) => row.secs)),
  ]
  ends.sort((a, b) => a - b)
  const chains: number[][] = []
  for (const end of ends) {
    const last = chains.at(-1)?.at(-1)
    if (last !== undefined && last >= end - spanSecs) chains.at(-1)?.push(end)
    else chains.push([end])
  }
  return chains.map((chain) => {
    const inside = [...new Set(chain.flatMap((end) => windowOf(end)))]
    const times = inside.map(({ row }) => row.secs)
    return {
      first: Math.min(...times),
      last: Math.max(...times),
      events: [...new Set(inside.map(({ row }) => row.id))].sort(),
    }
  })
}

function isMet(correlation: PlainCorrelation, window: Rows, end: Rows[number]): boolean {
  const values = window.map(({ row }) => row.fields[correlation.field ?? ''] ?? null).filter((value) => value !== null)
  const numbers = values.filter((value) => /^-?\d+(\.\d+)?$/.test(value)).map(Number)
  switch (correlation.type) {
    case 'event_count':
      return correlation.met(window.length)
    case 'value_count':
      return correlation.met(new Set(values).size)
    case 'value_sum':
      return numbers.length > 0 && correlation.met(numbers.reduce((a, b) => a + b, 0))
    case 'value_avg':
      return numbers.length > 0 && correlation.met(numbers.reduce((a, b) => a + b, 0) / numbers.length)
    case 'value_median':
      return numbers.length > 0 && correlation.met(quantile(numbers, 0.5))
    case 'value_percentile': {
      if (correlation.percentile !== undefined) {
        return numbers.length > 0 && correlation.met(quantile(numbers, correlation.percentile / 100))
      }
      const own = end.row.fields[correlation.field ?? '']
      return own != null && correlation.met((100 * values.filter((value) => value === own).length) / window.length)
    }
    case 'temporal':
      return correlation.met(new Set(window.map(({ ref }) => ref)).size)
    default:
      return isChain(correlation.refs.length - 1, end, window)
  }
}

/** Whether rules up to `ref` match one after the other, the last at `end`; at the same time their order is that of the list. */
function isChain(ref: number, end: Rows[number], window: Rows): boolean {
  if (end.ref !== ref) return false
  if (ref === 0) return true
  return window.some(
    (before) => before.ref === ref - 1 && before.row.secs <= end.row.secs && isChain(ref - 1, before, window),
  )
}

function quantile(numbers: number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const at = share * (sorted.length - 1)
  const low = sorted[Math.floor(at)] ?? 0
  const high = sorted[Math.ceil(at)] ?? 0
  return low + (high - low) * (at - Math.floor(at))
}
