/**
 * Runs a set of rules over batches of records. A batch is gone through once for its gate and once for all rules that anything in
 * it may match; explanations are worked out for records that did.
 */
import { type Engine, setting } from '../../engine/duckdb.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import {
  type CapturedFields,
  CONTEXT_KEY,
  type CompiledRule,
  compileRules,
  gateSql,
  type MatchSource,
  maskNames,
  matchSql,
} from './compile.ts'
import {
  askedOf,
  type Contexts,
  contextColumns,
  contextGatesSql,
  contextMatchesSql,
  isOfContext,
  makeContexts,
  placedContextsSql,
} from './contexts.ts'
import type { Dialect } from './dialect.ts'
import { explainSql, matchedIn } from './explain.ts'
import type { NamedValue, RecordShape } from './fields.ts'
import { besideContexts, isTrue } from './gate.ts'
import { bitOf, wordsFor } from './masks.ts'
import {
  CONTEXT_MATCHES,
  countMatches,
  emptyMatches,
  PLACED_RECORDS,
  RECORD_MATCHES,
  SUMS_TABLE,
} from './match-tables.ts'
import { summedSql, sumsSql } from './sums.ts'
import { type Outcome, type Unrun, withinTime } from './within-time.ts'

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

/** A rule that may match no more than this share of a batch is asked of these records by themselves… */
const SELDOM = 0.1

/** …but not in smaller batches, where that is not worth while. */
const RECORDS_TO_PART = 50_000

const HITS = 'temp.rule_hits'
const CONTEXT_GATES = 'temp.context_gates'
const CONTEXT_PLACES = 'temp.context_places'
const ASKED = 'temp.asked_records'
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
   * Numbers of rules whose matches go to `SUMS_TABLE`, one row for an hour and the values of their captured fields, and not to
   * `MATCHES_TABLE`. For events only.
   */
  readonly summed?: ReadonlySet<number> | undefined
  /** Records from which on a batch is taken apart for rules that may match few of them. */
  readonly recordsToPart?: number
}

/** What a batch gave. The matches themselves are rows of `MATCHES_TABLE` and `SUMS_TABLE` (match-tables.ts). */
export interface BatchReport {
  /** Matches by the rule's number in the set. */
  readonly matches: ReadonlyMap<number, number>
  /** Rules that anything in the batch could match. */
  readonly candidates: number
  /** Rules that did not run, and why. */
  readonly unrun: readonly Unrun[]
}

/** By rules: ids of rows of the gate's values whose records they may match, and how many records that are. */
type Gates = ReadonlyMap<number, { readonly ids: readonly string[]; readonly records: number }>

/** A batch: its records, and, where they have a gate, their contexts and what the gate says of them. */
interface Batch {
  readonly relation: string
  readonly gated?: { readonly contexts: Contexts; readonly gates: Gates; readonly records: number }
}

/** A set of rules on one engine. Not for concurrent use: await each call. */
export class RuleRunner {
  readonly rules: readonly CompiledRule[]
  readonly #engine: Engine
  readonly #shape: RecordShape
  readonly #dialect: Dialect
  readonly #contextColumns: readonly NamedValue[]
  readonly #timeoutMs: number
  readonly #recordsToPart: number
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
    {
      timeoutSecs = DEFAULT_TIMEOUT_SECS,
      captured,
      unexplained,
      summed = new Set(),
      recordsToPart = RECORDS_TO_PART,
    }: RunnerOptions = {},
  ) {
    this.#shape = shape.gate.length === 0 ? shape : besideContexts(shape)
    this.rules = compileRules(rules, this.#shape, dialect, {
      captured,
      unexplained: new Set([...(unexplained ?? []), ...summed]),
    })
    this.#contextColumns = contextColumns(this.rules, shape)
    this.#summed = summed
    this.#engine = engine
    this.#dialect = dialect
    this.#timeoutMs = timeoutSecs * 1000
    this.#recordsToPart = recordsToPart
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
    const { unasked, ...batch } = await this.#batchOf(relation)
    const met = batch.gated === undefined ? this.rules : inOrderOfGates(this.rules, batch.gated.gates)
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
    const [ofContext, ofRecords] = parted(rules, (rule) => batch.gated !== undefined && isOfContext(rule, this.#shape))
    const contexts = ofContext.length === 0 ? undefined : batch.gated?.contexts
    await emptyMatches(this.#engine, this.#shape, this.#dialect, contexts && { relation, contexts })
    const [seldom, often] = parted(ofRecords, (rule) => this.#isSeldom(rule, batch))
    await inPasses(without(ofContext, isSummed), (some) => this.#take(some, batch))
    let asked: Batch | undefined
    await inPasses(without(often, isSummed), async (some) => {
      asked = await this.#pass(some, batch, seldom)
    })
    if (seldom.length > 0) asked ??= await this.#pass([], batch, seldom)
    await inPasses(without(seldom, isSummed), async (some) => {
      await this.#pass(some, asked ?? batch)
    })
    await inPasses(ofContext.filter(isSummed), (some) => this.#sum(some, inContexts(PLACED_RECORDS, batch)))
    await inPasses(often.filter(isSummed), (some) => this.#sum(some, batch))
    await inPasses(seldom.filter(isSummed), (some) => this.#sum(some, asked ?? batch))
    for (const each of unrun)
      if (each.reason === 'too slow' && !unasked.includes(each)) this.#slow.set(each.rule.number, each)
    return { matches: await countMatches(this.#engine, contexts), candidates: rules.length, unrun }
  }

  #within = (
    rules: readonly CompiledRule[],
    run: (rules: readonly CompiledRule[]) => Promise<void>,
  ): Promise<Outcome> => withinTime(this.#engine, rules, this.#timeoutMs, run)

  /** Whether it pays to take the records a rule may match out of the batch. */
  #isSeldom({ number }: CompiledRule, { gated }: Batch): boolean {
    if (gated === undefined || gated.records < this.#recordsToPart) return false
    return (gated.gates.get(number)?.records ?? 0) < gated.records * SELDOM
  }

  async #batchOf(relation: string): Promise<Batch & { readonly unasked: Outcome }> {
    if (this.#shape.gate.length === 0) return { relation, unasked: [] }
    const contexts = await makeContexts(this.#engine, relation, this.#contextColumns, this.#dialect)
    const { gates, records, unasked } = await this.#gatesOf(contexts)
    return { relation, gated: { contexts, gates, records }, unasked }
  }

  /** Which rules the records of the batch may match, with the gate's values they are met by; and rules that could not be asked. */
  async #gatesOf({ table }: Contexts): Promise<{
    readonly gates: Gates
    readonly records: number
    readonly unasked: Outcome
  }> {
    const columns = this.#shape.gate.map(({ name }) => name).join(', ')
    await this.#engine.run(
      `CREATE OR REPLACE TEMP TABLE gate_values AS SELECT row_number() OVER () AS gate_id, *
      FROM (SELECT ${columns}, sum(records)::DOUBLE AS records FROM ${table} GROUP BY ALL)`,
    )
    const rows = await this.#engine.rows<{ gate_id: string; values: string; records: number }>(
      `SELECT gate_id::VARCHAR AS gate_id, records, to_json([${this.#shape.gate.map(({ name }) => `${name}::VARCHAR`).join(', ')}])::VARCHAR AS "values" FROM ${GATE_VALUES}`,
    )
    const unknown = rows.filter(({ values }) => !this.#learnt.has(values))
    const unasked = unknown.length === 0 ? [] : await this.#learn(unknown)
    const found = new Map<number, { ids: string[]; records: number }>()
    for (const { gate_id, values, records } of rows) {
      for (const rule of this.#learnt.get(values) ?? []) {
        const met = found.get(rule) ?? { ids: [], records: 0 }
        found.set(rule, met)
        met.ids.push(gate_id)
        met.records += records
      }
    }
    // What was learnt without a rule that was too slow is asked again for the next batch.
    if (unasked.some(({ reason }) => reason === 'too slow'))
      for (const { values } of unknown) this.#learnt.delete(values)
    for (const each of unasked) if (each.reason === 'failed') this.#refused.set(each.rule.number, each)
    const records = rows.reduce((sum, each) => sum + each.records, 0)
    return { gates: found, records, unasked: [...new Set([...this.#refused.values(), ...unasked])] }
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

  async #sourceOf(rules: readonly CompiledRule[], { relation, gated }: Batch): Promise<MatchSource> {
    if (gated === undefined) return { relation }
    await this.#writeGates(rules, gated.gates)
    const sql = contextGatesSql(rules, gated.contexts, GATES, this.#shape, this.#dialect)
    await this.#engine.run(`CREATE OR REPLACE TEMP TABLE context_gates AS ${sql}`)
    const { key, columns } = gated.contexts
    return { relation, contexts: { table: CONTEXT_GATES, key, columns } }
  }

  /** Matches that follow from contexts. */
  async #take(rules: readonly CompiledRule[], batch: Batch): Promise<void> {
    await this.#sourceOf(rules, batch)
    await this.#tell(CONTEXT_MATCHES, rules, { table: CONTEXT_GATES, words: 'gate_mask' }, (rule, position) =>
      contextMatchesSql(rule, position, CONTEXT_GATES, this.#shape, this.#dialect),
    )
  }

  async #sum(rules: readonly CompiledRule[], batch: Batch): Promise<void> {
    const source = await this.#sourceOf(rules, batch)
    await this.#engine.run(
      `CREATE OR REPLACE TEMP TABLE rule_summed AS ${summedSql(rules, source, this.#shape, this.#dialect)}`,
    )
    const selects = rules.map((_, position) => sumsSql(rules, position, SUMMED, this.#dialect))
    await this.#engine.run(`INSERT INTO ${SUMS_TABLE} ${selects.join('\nUNION ALL ')}`)
  }

  /**
   * Matches of records.
   *
   * @param others rules that few records may match
   * @returns these records, as a batch; the batch itself where there are no such rules
   */
  async #pass(rules: readonly CompiledRule[], batch: Batch, others: readonly CompiledRule[] = []): Promise<Batch> {
    const source = await this.#sourceOf(rules, batch)
    const { gated } = batch
    if (gated === undefined || others.length === 0) {
      await this.#engine.run(
        `CREATE OR REPLACE TEMP TABLE rule_hits AS ${matchSql(rules, source, this.#shape, this.#dialect)}`,
      )
      await this.#explain(rules, HITS)
      return batch
    }
    const ids = new Set(others.flatMap(({ number }) => gated.gates.get(number)?.ids ?? []))
    const gates = `(SELECT * FROM ${GATE_VALUES} WHERE gate_id IN (${[...ids].join(', ')}))`
    const placed = placedContextsSql(rules.length, CONTEXT_GATES, gated.contexts, gates, this.#shape)
    await this.#engine.run(`CREATE OR REPLACE TEMP TABLE context_places AS ${placed}`)
    const along = askedOf(others, this.#shape)
    const whole = { ...source, contexts: { ...gated.contexts, table: CONTEXT_PLACES } }
    await this.#engine.run(
      `CREATE OR REPLACE TEMP TABLE asked_records AS ${matchSql(rules, whole, this.#shape, this.#dialect, along)}`,
    )
    await this.#explain(rules, ASKED)
    return inContexts(`(SELECT * FROM ${ASKED} WHERE ${along.mark} IS NOT NULL)`, batch)
  }

  async #writeGates(rules: readonly CompiledRule[], gates: Gates): Promise<void> {
    const masks = new Map<string, bigint[]>()
    rules.forEach(({ number }, position) => {
      const { word, bit } = bitOf(position)
      for (const id of gates.get(number)?.ids ?? []) {
        const words = masks.get(id) ?? Array<bigint>(wordsFor(rules.length)).fill(0n)
        words[word] = (words[word] ?? 0n) | bit
        masks.set(id, words)
      }
    })
    const none = [-1, ...Array<bigint>(wordsFor(rules.length)).fill(0n)]
    const rows = [none, ...[...masks].map(([id, words]) => [id, ...words])].map((row) => `(${row.join(', ')})`)
    const names = ['gate_id', ...Array.from({ length: wordsFor(rules.length) }, (_, at) => `gate_mask${at}`)]
    await this.#engine.run(
      `CREATE OR REPLACE TEMP TABLE gates AS SELECT v.*, m.* EXCLUDE (gate_id) FROM ${GATE_VALUES} v JOIN (VALUES ${rows.join(', ')}) AS m(${names.join(', ')}) USING (gate_id)`,
    )
  }

  #explain(rules: readonly CompiledRule[], hits: string): Promise<void> {
    return this.#tell(RECORD_MATCHES, rules, { table: hits, words: 'hit' }, (rule, position) =>
      explainSql(rule, matchedIn(hits, position, this.#shape, this.#dialect), this.#shape, this.#dialect),
    )
  }

  /** Adds what is told of the matches of rules that have any in a table of such words. */
  async #tell(
    into: string,
    rules: readonly CompiledRule[],
    { table, words }: { readonly table: string; readonly words: string },
    sqlOf: (rule: CompiledRule, position: number) => string,
  ): Promise<void> {
    if (rules.length === 0) return
    const any = maskNames(words, rules.length).map((name) => `bit_or(${name}) AS ${name}`)
    const met = wordsOf(await this.#engine.row(`SELECT ${any.join(', ')} FROM ${table}`), words, rules.length)
    const selects = rules.flatMap((rule, position) => (hasBit(met, position) ? [sqlOf(rule, position)] : []))
    const statements: string[] = []
    for (let at = 0; at < selects.length; at += RULES_AN_EXPLANATION)
      statements.push(`INSERT INTO ${into} ${selects.slice(at, at + RULES_AN_EXPLANATION).join('\nUNION ALL ')}`)
    await this.#allOrNone(statements)
  }

  /** Runs statements that add matches. Where one fails, the rules are run again in parts: what the others added must not stay. */
  async #allOrNone(statements: readonly string[]): Promise<void> {
    await this.#engine.run('BEGIN')
    try {
      for (const sql of statements) await this.#engine.run(sql)
      await this.#engine.run('COMMIT')
    } catch (cause) {
      // Where the transaction ended with the failure there is nothing to roll back; where it goes on, the next one cannot begin.
      await this.#engine.run('ROLLBACK').catch(() => {})
      throw cause
    }
  }
}

/** Records of a batch that have the key of their context in a column. */
const inContexts = (relation: string, { gated }: Batch): Batch =>
  gated === undefined
    ? { relation }
    : { relation, gated: { ...gated, contexts: { ...gated.contexts, key: CONTEXT_KEY } } }

/** Rules that anything may match: first those that more is asked of than the context, those for the same records beside each other. */
function inOrderOfGates(rules: readonly CompiledRule[], gates: Gates): CompiledRule[] {
  const key = ({ number, rest }: CompiledRule): string => `${isTrue(rest) ? 1 : 0} ${gates.get(number)?.ids.join()}`
  const keyed = rules.filter(({ number }) => gates.has(number)).map((rule) => ({ rule, key: key(rule) }))
  return keyed
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.rule.number - b.rule.number))
    .map(({ rule }) => rule)
}

const without = <T>(list: readonly T[], is: (each: T) => boolean): T[] => list.filter((each) => !is(each))

const parted = <T>(list: readonly T[], is: (each: T) => boolean): [T[], T[]] => [list.filter(is), without(list, is)]

const wordsOf = (row: Readonly<Record<string, unknown>>, name: string, rules: number): bigint[] =>
  Array.from({ length: wordsFor(rules) }, (_, at) => BigInt(String(row[`${name}${at}`] ?? '0')))

const hasBit = (words: readonly bigint[], position: number): boolean => {
  const { word, bit } = bitOf(position)
  return ((words[word] ?? 0n) & bit) !== 0n
}
