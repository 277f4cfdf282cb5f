/** Tables of matches in which those of a rule stand together, so that whoever asks for some rules reads little more than theirs. */
import type { Engine } from '../../engine/duckdb.ts'

/** Matches sorted at once. All of a million events are two million and more, which with their fields do not fit into memory. */
const SORTED_ROWS = 500_000

/** How many matches of each of some rules a relation has; nothing of a rule that has none. */
export async function countsOf(
  engine: Engine,
  rules: readonly number[],
  relation: string,
): Promise<Map<number, number>> {
  if (rules.length === 0) return new Map()
  const rows = await engine.rows<{ rule: number; n: number }>(
    `SELECT rule, count(*)::DOUBLE AS n FROM ${relation} WHERE rule IN (${rules.join(', ')}) GROUP BY rule`,
  )
  return new Map(rows.map(({ rule, n }) => [Number(rule), Number(n)]))
}

/**
 * Makes a temporary table of the matches of some rules, sorted a few rules at a time.
 *
 * @param relation the matches, with the column `rule`
 * @param counts how many matches there are of each of the rules
 */
export async function putTogether(
  engine: Engine,
  table: string,
  relation: string,
  counts: ReadonlyMap<number, number>,
  atOnce = SORTED_ROWS,
): Promise<void> {
  const [first = [], ...others] = groupsOf(counts, atOnce)
  const of = (rules: readonly number[]) =>
    `SELECT * FROM ${relation} WHERE rule IN (${rules.length === 0 ? 'NULL' : rules.join(', ')}) ORDER BY rule`
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${table} AS ${of(first)}`)
  for (const rules of others) await engine.run(`INSERT INTO ${table} ${of(rules)}`)
}

/** Rules in their order, as many together as may be sorted at once; at least one. */
function groupsOf(counts: ReadonlyMap<number, number>, atOnce: number): number[][] {
  const groups: number[][] = []
  let room = 0
  for (const [rule, count] of [...counts].sort(([a], [b]) => a - b)) {
    room -= count
    if (room < 0 || groups.length === 0) {
      groups.push([])
      room = atOnce - count
    }
    groups.at(-1)?.push(rule)
  }
  return groups
}
