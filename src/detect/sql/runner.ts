/**
 * Runs a set of rules over batches of records. A batch is gone through once for its gate and once for all rules that anything in
 * it may match; explanations are worked out for records that did. Two connections work on a large one.
 */
import { type Engine, setting } from '../../engine/duckdb.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import { type Batch, type Gates, inContexts, inOrderOfGates } from './batch.ts'
import { besideOver, withAside } from './beside.ts'
import { type CapturedFields, type CompiledRule, compileRules, gateSql } from './compile.ts'
import { type Contexts, contextColumns, isOfContext, makeContexts } from './contexts.ts'
import type { Dialect } from './dialect.ts'
import type { NamedValue, RecordShape } from './fields.ts'
import { besideContexts } from './gate.ts'
import { type Found, Lane } from './lane.ts'
import { hasBit, wordsOf } from './masks.ts'
import { countMatches, emptyMatches, placeRecords } from './match-tables.ts'
import { attachMatching, GATE_VALUES, PLACED_RECORDS } from './shared-tables.ts'
import type { Outcome, Unrun } from './within-time.ts'

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
    const engine = this.#engine
    await attachMatching(engine)
    if (this.#shape.gate.length === 0) {
      await emptyMatches(engine, this.#shape, this.#dialect)
      return this.#over({ relation }, [], only)
    }
    const contexts = await makeContexts(engine, relation, this.#contextColumns, this.#dialect)
    await emptyMatches(engine, this.#shape, this.#dialect, contexts)
    const side = contexts.records < this.#recordsToPart ? undefined : await besideOver(engine, relation)
    try {
      const [{ gates, unasked }] = await withAside(
        engine,
        side,
        () => this.#gatesOf(contexts),
        () => this.#place(side ?? engine, relation, contexts),
      )
      return await this.#over({ relation, gated: { contexts, gates } }, unasked, only, side)
    } finally {
      side?.close()
    }
  }

  async #place(engine: Engine, relation: string, contexts: Contexts): Promise<void> {
    if (this.rules.some((rule) => isOfContext(rule, this.#shape)))
      await placeRecords(engine, relation, contexts, this.#shape, this.#dialect)
  }

  /** Matches of single records, and beside that what follows from contexts, and what is added up. */
  async #over(
    batch: Batch,
    unasked: Outcome,
    only: ReadonlySet<number> | undefined,
    side?: Engine,
  ): Promise<BatchReport> {
    const contexts = batch.gated?.contexts
    const met = batch.gated === undefined ? this.rules : inOrderOfGates(this.rules, batch.gated.gates)
    const rules = met.filter(({ number }) => only?.has(number) ?? !this.#slow.has(number))
    const [ofContext, ofRecords] = parted(rules, (rule) => contexts !== undefined && isOfContext(rule, this.#shape))
    const [seldom, often] = parted(ofRecords, (rule) => this.#isSeldom(rule, batch))
    const [seldomSummed, seldomFound] = parted(seldom, this.#isSummed)
    const lane = this.#laneOn(this.#engine)
    const other = side === undefined ? lane : this.#laneOn(side)
    const apart = Promise.withResolvers<void>()
    let partedBatch: Promise<Batch & { readonly unrun: Outcome }> | undefined
    let finding: Promise<Found> | undefined
    const [found, added] = await withAside(
      this.#engine,
      side,
      async () => {
        partedBatch = this.#part(lane, batch, without(often, this.#isSummed), seldom, apart.resolve)
        finding = partedBatch.then(async (asked) => {
          const seen = await lane.find(seldomFound, asked)
          return { ...seen, unrun: [...asked.unrun, ...seen.unrun] }
        })
        const seen = await finding
        return [...seen.unrun, ...(await lane.tell(seen))]
      },
      async () => {
        const [contextsSummed, contextsFound] = parted(ofContext, this.#isSummed)
        const placed = inContexts(PLACED_RECORDS, batch)
        const outcomes = [...(await other.inPasses(contextsFound, (some) => other.take(some, batch)))]
        // Taking records apart keeps all threads busy; what follows upon that does not.
        await Promise.race([apart.promise, partedBatch])
        outcomes.push(
          ...(await other.inPasses(contextsSummed, (some) => other.sum(some, placed))),
          ...(await other.inPasses(often.filter(this.#isSummed), (some) => other.sum(some, batch))),
        )
        const asked = (await partedBatch) ?? batch
        outcomes.push(...(await other.inPasses(seldomSummed, (some) => other.sum(some, asked))))
        const seen = await finding
        return seen === undefined ? outcomes : [...outcomes, ...(await other.tell(seen))]
      },
    )
    for (const table of (await finding)?.tables ?? []) await this.#engine.run(`DROP TABLE ${table}`)
    const before = only === undefined ? met.flatMap(({ number }) => this.#slow.get(number) ?? []) : []
    const unrun = [...unasked.filter(({ rule }) => only?.has(rule.number) ?? true), ...before, ...found, ...added]
    for (const each of [...found, ...added]) if (each.reason === 'too slow') this.#slow.set(each.rule.number, each)
    return { matches: await countMatches(this.#engine, contexts), candidates: rules.length, unrun }
  }

  /** Asks rules that may match many records, and takes the records apart that others may match: `apart` is called then, or never. */
  async #part(
    lane: Lane,
    batch: Batch,
    often: readonly CompiledRule[],
    seldom: readonly CompiledRule[],
    apart: () => void,
  ): Promise<Batch & { readonly unrun: Outcome }> {
    let asked: Batch | undefined
    const unrun = await lane.inPasses(often, async (some) => {
      asked = await lane.match(some, batch, seldom, apart)
    })
    if (seldom.length > 0) asked ??= await lane.match([], batch, seldom, apart)
    return { ...(asked ?? batch), unrun }
  }

  #laneOn = (engine: Engine): Lane => new Lane(engine, this.#shape, this.#dialect, this.#timeoutMs)

  #isSummed = ({ number }: CompiledRule): boolean => this.#summed.has(number)

  /** Whether it pays to take the records a rule may match out of the batch. */
  #isSeldom({ number }: CompiledRule, { gated }: Batch): boolean {
    if (gated === undefined || gated.contexts.records < this.#recordsToPart) return false
    return (gated.gates.get(number)?.records ?? 0) < gated.contexts.records * SELDOM
  }

  /** Which rules the records of the batch may match, with the gate's values they are met by; and rules that could not be asked. */
  async #gatesOf({ table }: Contexts): Promise<{ readonly gates: Gates; readonly unasked: Outcome }> {
    const columns = this.#shape.gate.map(({ name }) => name).join(', ')
    await this.#engine.run(
      `CREATE OR REPLACE TABLE ${GATE_VALUES} AS SELECT row_number() OVER () AS gate_id, *
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
    return { gates: found, unasked: [...new Set([...this.#refused.values(), ...unasked])] }
  }

  async #learn(rows: readonly { gate_id: string; values: string }[]): Promise<Outcome> {
    const ids = rows.map(({ gate_id }) => gate_id)
    const some = `(SELECT * FROM ${GATE_VALUES} WHERE gate_id IN (${ids.join(', ')}))`
    const found = new Map<string, number[]>(ids.map((id) => [id, []]))
    const lane = this.#laneOn(this.#engine)
    const asked = this.rules.filter(({ number }) => !this.#refused.has(number))
    const unasked = await lane.inPasses(asked, (rules) => this.#meet(rules, some, found))
    for (const { gate_id, values } of rows) this.#learnt.set(values, found.get(gate_id) ?? [])
    return unasked
  }

  /** Adds the rules that the records behind gate values may match. */
  async #meet(rules: readonly CompiledRule[], values: string, found: ReadonlyMap<string, number[]>): Promise<void> {
    for (const row of await this.#engine.rows(gateSql(rules, values, this.#dialect))) {
      const words = wordsOf(row, 'gate_mask', rules.length)
      const numbers = rules.filter((_, position) => hasBit(words, position)).map(({ number }) => number)
      found.get(String(row.gate_id))?.push(...numbers)
    }
  }
}

const without = <T>(list: readonly T[], is: (each: T) => boolean): T[] => list.filter((each) => !is(each))

const parted = <T>(list: readonly T[], is: (each: T) => boolean): [T[], T[]] => [list.filter(is), without(list, is)]
