/**
 * Runs a set of rules over batches of records. A batch is gone through once for its gate and once for all rules that anything in
 * it may match; explanations are worked out for records that did.
 */
import { type Engine, setting } from '../../engine/duckdb.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import { type CapturedFields, type CompiledRule, compileRules, gateSql, type MatchSource, matchSql } from './compile.ts'
import type { Dialect } from './dialect.ts'
import { explainSql } from './explain.ts'
import type { RecordShape } from './fields.ts'
import { bitOf, wordsFor } from './masks.ts'
import { SUM_COLUMNS, summedSql, sumsSql } from './sums.ts'
import { type Outcome, type Unrun, withinTime } from './within-time.ts'

/** The table that {@link RuleRunner.run} fills: `rule`, the id columns, `selections`, `because`, `fields`. */
export const MATCHES_TABLE = 'temp.rule_matches'

/** The table of matches that were added up: `rule`, `hour`, `fields`, `events`, first and last time and event. */
export const SUMS_TABLE = 'temp.rule_sums'

/** Rules in one statement. More take longer to plan than they save in passes. */
const RULES_A_PASS = 434

/** Rules explained in one statement. */
const RULES_AN_EXPLANATION = 24

/**
 * Looking for equal expressions among hundreds of rules is most of the planning; what they share is a column already. And each short
 * list of texts would become a join of its own, which costs more than all comparisons.
 */
const NEEDLESS = 'common_subexpressions,in_clause'

/** A rule that holds up a batch for longer than this is left out. */
export const DEFAULT_TIMEOUT_SECS = 120

const HITS = 'temp.rule_hits'
const GATE_VALUES = 'temp.gate_values'
const GATES = 'temp.gates'
const SUMMED = 'temp.rule_summed'

/** How rules are run. */
export interface RunnerOptions {
  readonly timeoutSecs?: number
  readonly captured?: CapturedFields | undefined
  /** Numbers of rules whose matches need not say why, which is quicker. */
  readonly unexplained?: ReadonlySet<number> | undefined
  /**
   * Numbers of rules whose matches go to {@link SUMS_TABLE}, one row for an hour and the values of their captured fields, and not to
   * {@link MATCHES_TABLE}. For events only.
   */
  readonly summed?: ReadonlySet<number> | undefined
}

/** What a batch gave. The matches themselves are rows of {@link MATCHES_TABLE} and {@link SUMS_TABLE}. */
export interface BatchReport {
  /** Matches by the rule's number in the set. */
  readonly matches: ReadonlyMap<number, number>
  /** Rules that anything in the batch could match. */
  readonly candidates: number
  /** Rules that did not run, and why. */
  readonly unrun: readonly Unrun[]
}

/** Ids of rows of the gate's values by the rules that their records may match. */
type Gates = ReadonlyMap<number, readonly string[]>

/** What the gate says of a batch, and rules that it could not be asked about. */
interface Gated {
  readonly gates: Gates | undefined
  readonly unasked: Outcome
}

/** A set of rules on one engine. Not for concurrent use: await each call. */
export class RuleRunner {
  readonly rules: readonly CompiledRule[]
  readonly #engine: Engine
  readonly #shape: RecordShape
  readonly #dialect: Dialect
  readonly #timeoutMs: number
  readonly #summed: ReadonlySet<number>
  /** Rules that were too slow once: they are left out from then on. */
  readonly #slow = new Map<number, Unrun>()
  /** Rules whose gate the engine does not take. */
  readonly #refused = new Map<number, Unrun>()
  /** Rule numbers by the gate's values, learnt as they are met. */
  readonly #learnt = new Map<string, readonly number[]>()

  constructor(
    engine: Engine,
    rules: readonly DetectionRule[],
    shape: RecordShape,
    dialect: Dialect,
    { timeoutSecs = DEFAULT_TIMEOUT_SECS, captured, unexplained, summed = new Set() }: RunnerOptions = {},
  ) {
    this.rules = compileRules(rules, shape, dialect, {
      captured,
      unexplained: new Set([...(unexplained ?? []), ...summed]),
    })
    this.#summed = summed
    this.#engine = engine
    this.#shape = shape
    this.#dialect = dialect
    this.#timeoutMs = timeoutSecs * 1000
  }

  /**
   * Matches the records of a relation, which is read twice.
   *
   * @param only numbers of the rules that are run, even those that were too slow before; all others where absent
   */
  async run(relation: string, only?: ReadonlySet<number>): Promise<BatchReport> {
    await this.#engine.run(setting('disabled_optimizers', NEEDLESS))
    try {
      return await this.#run(relation, only)
    } finally {
      await this.#engine.run('RESET disabled_optimizers')
    }
  }

  async #run(relation: string, only: ReadonlySet<number> | undefined): Promise<BatchReport> {
    await this.#emptyMatches()
    const isGated = this.#shape.gate.length > 0
    const { gates, unasked }: Gated = isGated ? await this.#gatesOf(relation) : { gates: undefined, unasked: [] }
    const met = gates === undefined ? this.rules : inOrderOfGates(this.rules, gates)
    const rules = met.filter(({ number }) => only?.has(number) ?? !this.#slow.has(number))
    const unrun: Unrun[] =
      only === undefined
        ? [...unasked, ...met.flatMap(({ number }) => this.#slow.get(number) ?? [])]
        : unasked.filter(({ rule }) => only.has(rule.number))
    const inPasses = async (
      wanted: readonly CompiledRule[],
      run: (some: readonly CompiledRule[]) => Promise<void>,
    ): Promise<void> => {
      for (let at = 0; at < wanted.length; at += RULES_A_PASS)
        unrun.push(...(await this.#within(wanted.slice(at, at + RULES_A_PASS), run)))
    }
    const isSummed = ({ number }: CompiledRule): boolean => this.#summed.has(number)
    await inPasses(
      rules.filter((rule) => !isSummed(rule)),
      (some) => this.#pass(some, relation, gates),
    )
    await inPasses(rules.filter(isSummed), (some) => this.#sum(some, relation, gates))
    for (const each of unrun)
      if (each.reason === 'too slow' && !unasked.includes(each)) this.#slow.set(each.rule.number, each)
    return { matches: await this.#counts(), candidates: rules.length, unrun }
  }

  #within = (
    rules: readonly CompiledRule[],
    run: (rules: readonly CompiledRule[]) => Promise<void>,
  ): Promise<Outcome> => withinTime(this.#engine, rules, this.#timeoutMs, run)

  /** Which rules the records of the batch may match, with the gate's values they are met by. */
  async #gatesOf(relation: string): Promise<Gated> {
    const columns = this.#shape.gate.map(({ name, sql }) => `${sql} AS ${name}`).join(', ')
    await this.#engine.run(
      `CREATE OR REPLACE TEMP TABLE gate_values AS SELECT row_number() OVER () AS gate_id, * FROM (SELECT DISTINCT ${columns} FROM ${relation})`,
    )
    const rows = await this.#engine.rows<{ gate_id: string; values: string }>(
      `SELECT gate_id::VARCHAR AS gate_id, to_json([${this.#shape.gate.map(({ name }) => `${name}::VARCHAR`).join(', ')}])::VARCHAR AS "values" FROM ${GATE_VALUES}`,
    )
    const unknown = rows.filter(({ values }) => !this.#learnt.has(values))
    const unasked = unknown.length === 0 ? [] : await this.#learn(unknown)
    const found = new Map<number, string[]>()
    for (const { gate_id, values } of rows) {
      for (const rule of this.#learnt.get(values) ?? []) {
        const ids = found.get(rule)
        if (ids === undefined) found.set(rule, [gate_id])
        else ids.push(gate_id)
      }
    }
    // What was learnt without a rule that was too slow is asked again for the next batch.
    if (unasked.some(({ reason }) => reason === 'too slow'))
      for (const { values } of unknown) this.#learnt.delete(values)
    for (const each of unasked) if (each.reason === 'failed') this.#refused.set(each.rule.number, each)
    return { gates: found, unasked: [...new Set([...this.#refused.values(), ...unasked])] }
  }

  async #learn(rows: readonly { gate_id: string; values: string }[]): Promise<Outcome> {
    const ids = rows.map(({ gate_id }) => gate_id)
    const some = `(SELECT * FROM ${GATE_VALUES} WHERE gate_id IN (${ids.join(', ')}))`
    const found = new Map<string, number[]>(ids.map((id) => [id, []]))
    const unasked: Unrun[] = []
    const asked = this.rules.filter(({ number }) => !this.#refused.has(number))
    for (let at = 0; at < asked.length; at += RULES_A_PASS)
      unasked.push(...(await this.#meet(asked.slice(at, at + RULES_A_PASS), some, found)))
    for (const { gate_id, values } of rows) this.#learnt.set(values, found.get(gate_id) ?? [])
    return unasked
  }

  /** Adds the rules that the records behind gate values may match. */
  #meet(rules: readonly CompiledRule[], values: string, found: ReadonlyMap<string, number[]>): Promise<Outcome> {
    return this.#within(rules, async (some) => {
      for (const row of await this.#engine.rows(gateSql(some, values, this.#dialect))) {
        const words = wordsOf(row, 'gate_mask', some.length)
        const numbers = some.filter((_, position) => hasBit(words, position)).map(({ number }) => number)
        found.get(String(row.gate_id))?.push(...numbers)
      }
    })
  }

  async #sourceOf(rules: readonly CompiledRule[], relation: string, gates: Gates | undefined): Promise<MatchSource> {
    if (gates === undefined) return { relation }
    await this.#writeGates(rules, gates)
    return { relation, gates: GATES }
  }

  async #sum(rules: readonly CompiledRule[], relation: string, gates: Gates | undefined): Promise<void> {
    const source = await this.#sourceOf(rules, relation, gates)
    await this.#engine.run(
      `CREATE OR REPLACE TEMP TABLE rule_summed AS ${summedSql(rules, source, this.#shape, this.#dialect)}`,
    )
    const selects = rules.map((_, position) => sumsSql(rules, position, SUMMED, this.#dialect))
    await this.#engine.run(`INSERT INTO ${SUMS_TABLE} ${selects.join('\nUNION ALL ')}`)
  }

  async #pass(rules: readonly CompiledRule[], relation: string, gates: Gates | undefined): Promise<void> {
    const source = await this.#sourceOf(rules, relation, gates)
    await this.#engine.run(
      `CREATE OR REPLACE TEMP TABLE rule_hits AS ${matchSql(rules, source, this.#shape, this.#dialect)}`,
    )
    await this.#explain(rules)
  }

  async #writeGates(rules: readonly CompiledRule[], gates: Gates): Promise<void> {
    const masks = new Map<string, bigint[]>()
    rules.forEach(({ number }, position) => {
      const { word, bit } = bitOf(position)
      for (const id of gates.get(number) ?? []) {
        const words = masks.get(id) ?? Array<bigint>(wordsFor(rules.length)).fill(0n)
        words[word] = (words[word] ?? 0n) | bit
        masks.set(id, words)
      }
    })
    const rows = [...masks].map(([id, words]) => `(${[id, ...words].join(', ')})`)
    const names = ['gate_id', ...Array.from({ length: wordsFor(rules.length) }, (_, at) => `gate_mask${at}`)]
    await this.#engine.run(
      `CREATE OR REPLACE TEMP TABLE gates AS SELECT v.*, m.* EXCLUDE (gate_id) FROM ${GATE_VALUES} v JOIN (VALUES ${rows.join(', ')}) AS m(${names.join(', ')}) USING (gate_id)`,
    )
  }

  async #explain(rules: readonly CompiledRule[]): Promise<void> {
    const words = Array.from({ length: wordsFor(rules.length) }, (_, at) => `bit_or(hit${at}) AS hit${at}`)
    const hit = wordsOf(await this.#engine.row(`SELECT ${words.join(', ')} FROM ${HITS}`), 'hit', rules.length)
    const matched = rules.flatMap((rule, position) => (hasBit(hit, position) ? [{ rule, position }] : []))
    for (let at = 0; at < matched.length; at += RULES_AN_EXPLANATION) {
      const some = matched.slice(at, at + RULES_AN_EXPLANATION)
      const selects = some.map(({ rule, position }) =>
        explainSql(rule, position, HITS, this.#shape, this.#dialect, rule.captured),
      )
      await this.#engine.run(`INSERT INTO ${MATCHES_TABLE} ${selects.join('\nUNION ALL ')}`)
    }
  }

  async #emptyMatches(): Promise<void> {
    const ids = Object.entries(this.#shape.ids).map(([name, type]) => `${this.#dialect.identifier(name)} ${type}`)
    await this.#engine.run(
      `CREATE OR REPLACE TEMP TABLE rule_matches (rule INTEGER, ${ids.join(', ')}, selections VARCHAR[], because STRUCT(selection VARCHAR, field VARCHAR, "value" VARCHAR)[], fields MAP(VARCHAR, VARCHAR))`,
    )
    await this.#engine.run(`CREATE OR REPLACE TEMP TABLE rule_sums (${SUM_COLUMNS})`)
  }

  async #counts(): Promise<Map<number, number>> {
    const rows = await this.#engine.rows(
      `SELECT rule, count(*)::INTEGER AS matches FROM ${MATCHES_TABLE} GROUP BY rule
      UNION ALL SELECT rule, sum(events)::INTEGER FROM ${SUMS_TABLE} GROUP BY rule`,
    )
    return new Map(rows.map(({ rule, matches }) => [Number(rule), Number(matches)]))
  }
}

/** Rules that anything may match, those for the same records beside each other. */
function inOrderOfGates(rules: readonly CompiledRule[], gates: Gates): CompiledRule[] {
  const key = ({ number }: CompiledRule): string => gates.get(number)?.join() ?? ''
  const keyed = rules.filter(({ number }) => gates.has(number)).map((rule) => ({ rule, key: key(rule) }))
  return keyed
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.rule.number - b.rule.number))
    .map(({ rule }) => rule)
}

const wordsOf = (row: Readonly<Record<string, unknown>>, name: string, rules: number): bigint[] =>
  Array.from({ length: wordsFor(rules) }, (_, at) => BigInt(String(row[`${name}${at}`] ?? '0')))

const hasBit = (words: readonly bigint[], position: number): boolean => {
  const { word, bit } = bitOf(position)
  return ((words[word] ?? 0n) & bit) !== 0n
}
