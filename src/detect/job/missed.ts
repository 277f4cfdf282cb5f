/** Which rules were left out of which batches, so that the next run makes up for it. */
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { STATE } from '../state.ts'

/**
 * A row for each rule and pass it was left out of: `rule` (key), `rule_version`, the versions of `events` that the pass went over,
 * `tries` to make up for it, and the number of the last `attempt`.
 */
const MISSED = `${STATE}.missed`

/** Name of the `txn` actions of findings on events that were missed; numbered by attempts. */
export const MISSED_APP = 'bricktrail-detect-missed'

/** A rule that fails so often over what it missed is not tried again until its text is another. */
const MOST_TRIES = 3

/** So many rows are remembered; a rule that is always too slow would add one with every pass. */
const MOST_ROWS = 1000

/** Versions of `events`, both included. */
export interface VersionRange {
  readonly firstVersion: number
  readonly lastVersion: number
}

/** Rules that missed the events of a few commits. */
export interface Missed extends VersionRange {
  readonly rules: readonly string[]
  /** The number of the last attempt to make up for it; undefined before the first. */
  readonly attempt: number | undefined
}

interface Row {
  readonly rule: string
  readonly rule_version: string
  readonly first_version: string
  readonly last_version: string
  readonly tries: number
  readonly attempt: string | null
}

/** Makes the table where it is missing. */
export const makeMissed = (engine: Engine): Promise<void> =>
  engine.run(`CREATE TABLE IF NOT EXISTS ${MISSED} (rule VARCHAR, rule_version VARCHAR, first_version BIGINT, last_version BIGINT,
    tries INTEGER, attempt BIGINT)`)

/** Puts down that rules missed the events of some commits; in the transaction of what the others remember. */
export async function writeMissed(
  engine: Engine,
  rules: readonly { readonly key: string; readonly version: string }[],
  { firstVersion, lastVersion }: VersionRange,
): Promise<void> {
  if (rules.length === 0) return
  const rows = rules.map(
    ({ key, version }) => `(${lit(key)}, ${lit(version)}, ${firstVersion}, ${lastVersion}, 0, NULL)`,
  )
  await engine.run(`INSERT INTO ${MISSED} VALUES ${rows.join(', ')}`)
  await engine.run(
    `DELETE FROM ${MISSED} WHERE rowid NOT IN (SELECT rowid FROM ${MISSED} ORDER BY last_version DESC, rule LIMIT ${MOST_ROWS})`,
  )
}

/** Everything that was missed, by rule, with the versions of `events`: also what is not tried any more. */
export async function missedRanges(engine: Engine): Promise<ReadonlyMap<string, readonly VersionRange[]>> {
  const rows = await rowsOf(engine)
  return new Map(
    [...Map.groupBy(rows, ({ rule }) => rule)].map(([rule, own]) => [
      rule,
      own.map((row) => ({ firstVersion: Number(row.first_version), lastVersion: Number(row.last_version) })),
    ]),
  )
}

/**
 * What can be made up for, oldest first. Rules that are gone are forgotten.
 *
 * @param versions of the rules in force, by key
 */
export async function stillMissed(engine: Engine, versions: ReadonlyMap<string, string>): Promise<readonly Missed[]> {
  const rows = await rowsOf(engine)
  const gone = [...new Set(rows.map(({ rule }) => rule))].filter((rule) => !versions.has(rule))
  if (gone.length > 0) await engine.run(`DELETE FROM ${MISSED} WHERE rule IN (${gone.map(lit).join(', ')})`)
  const isHopeless = (row: Row): boolean => row.tries >= MOST_TRIES && versions.get(row.rule) === row.rule_version
  const hopeless = new Set(rows.filter(isHopeless).map(({ rule }) => rule))
  const open = rows.filter(({ rule }) => versions.has(rule) && !hopeless.has(rule))
  return [...Map.groupBy(open, (row) => `${row.first_version} ${row.last_version} ${row.attempt}`).values()].flatMap(
    ([first, ...more]) =>
      first === undefined
        ? []
        : {
            firstVersion: Number(first.first_version),
            lastVersion: Number(first.last_version),
            rules: [first, ...more].map(({ rule }) => rule),
            attempt: first.attempt === null ? undefined : Number(first.attempt),
          },
  )
}

const rowsOf = (engine: Engine): Promise<Row[]> =>
  engine.rows<Row & Readonly<Record<string, string | number | null>>>(
    `SELECT * FROM ${MISSED} ORDER BY first_version, last_version, attempt, rule`,
  )

const whereOf = ({ firstVersion, lastVersion, rules }: Omit<Missed, 'attempt'>): string =>
  `first_version = ${firstVersion} AND last_version = ${lastVersion} AND rule IN (${['', ...rules].map(lit).join(', ')})`

/** The number that the next attempt goes by, and puts it down. */
export async function numberAttempt(engine: Engine, missed: Missed, told: number): Promise<number> {
  // An attempt whose findings are in the table is the same one: a crash came before the state knew.
  if (missed.attempt !== undefined && told >= missed.attempt) return missed.attempt
  const { last } = await engine.row<{ last: string }>(`SELECT coalesce(max(attempt), 0) AS last FROM ${MISSED}`)
  const attempt = Math.max(told, Number(last)) + 1
  await engine.run(`UPDATE ${MISSED} SET attempt = ${attempt} WHERE ${whereOf(missed)}`)
  return attempt
}

/** Puts down what became of an attempt: rules that failed again are tried another time. Returns those that are given up. */
export async function settleMissed(
  engine: Engine,
  missed: Missed,
  failed: readonly string[],
  versions: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const done = missed.rules.filter((rule) => !failed.includes(rule))
  await engine.run(`DELETE FROM ${MISSED} WHERE ${whereOf({ ...missed, rules: done })}`)
  const givenUp: string[] = []
  for (const rule of failed) {
    const version = lit(versions.get(rule) ?? '')
    await engine.run(`UPDATE ${MISSED} SET tries = CASE WHEN rule_version = ${version} THEN tries + 1 ELSE 1 END, rule_version = ${version}, attempt = NULL
      WHERE ${whereOf({ ...missed, rules: [rule] })}`)
    const { n } = await engine.row<{ n: string }>(
      `SELECT count(*) AS n FROM ${MISSED} WHERE rule = ${lit(rule)} AND tries >= ${MOST_TRIES}`,
    )
    if (n !== '0') givenUp.push(rule)
  }
  return givenUp
}

/** Lets go of what was missed after a version: it is gone, or is gone over again. */
export async function cutMissed(engine: Engine, version: number): Promise<void> {
  await engine.run(`DELETE FROM ${MISSED} WHERE first_version > ${version}`)
  await engine.run(`UPDATE ${MISSED} SET last_version = least(last_version, ${version})`)
}
