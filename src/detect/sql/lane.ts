/** A connection that rules are run on: matches are found, told and added up there. Two of them work beside each other on one batch. */
import type { Engine } from '../../engine/duckdb.ts'
import { type Batch, type Gates, inContexts } from './batch.ts'
import { type CompiledRule, type MatchSource, maskNames, matchSql } from './compile.ts'
import { askedOf, contextGatesSql, contextMatchesSql, placedContextsSql } from './contexts.ts'
import type { Dialect } from './dialect.ts'
import { explainSql, matchedIn } from './explain.ts'
import type { RecordShape } from './fields.ts'
import { bitOf, hasBit, wordsFor, wordsOf } from './masks.ts'
import { SUMS_TABLE } from './match-tables.ts'
import { ASKED_RECORDS, CONTEXT_MATCHES, FOUND, GATE_VALUES, RECORD_MATCHES } from './shared-tables.ts'
import { summedSql, sumsSql } from './sums.ts'
import { type Outcome, timeLeft, type Unrun, withinTime } from './within-time.ts'

/** Rules in one statement. More take longer to plan than they save in passes. */
const RULES_A_PASS = 434

/** Rules explained in one statement. */
const RULES_AN_EXPLANATION = 24

const GATES = 'temp.gates'
const CONTEXT_GATES = 'temp.context_gates'
const CONTEXT_PLACES = 'temp.context_places'
const HITS = 'temp.rule_hits'
const SUMMED = 'temp.rule_summed'

/** Rules that matched, which one statement tells of. */
export interface Part {
  readonly rules: readonly CompiledRule[]
  readonly sqlOf: (rule: CompiledRule) => string
  readonly timeoutMs: number
}

/** What was found, in tables that both connections see. */
export interface Found {
  readonly tables: readonly string[]
  /** Parts that nobody has taken: each that asks gets others. */
  readonly parts: Iterable<Part>
  readonly unrun: Outcome
}

/** What rules are run by. Not for concurrent use: await each call. */
export class Lane {
  readonly #engine: Engine
  readonly #shape: RecordShape
  readonly #dialect: Dialect
  readonly #timeoutMs: number

  constructor(engine: Engine, shape: RecordShape, dialect: Dialect, timeoutMs: number) {
    this.#engine = engine
    this.#shape = shape
    this.#dialect = dialect
    this.#timeoutMs = timeoutMs
  }

  /** Runs rules, as many at once as one statement takes, and those at fault by themselves; returns these. */
  async inPasses(
    rules: readonly CompiledRule[],
    run: (some: readonly CompiledRule[]) => Promise<void>,
  ): Promise<Outcome> {
    const unrun: Unrun[] = []
    for (let at = 0; at < rules.length; at += RULES_A_PASS)
      unrun.push(...(await withinTime(this.#engine, rules.slice(at, at + RULES_A_PASS), this.#timeoutMs, run)))
    return unrun
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
  async take(rules: readonly CompiledRule[], batch: Batch): Promise<void> {
    await this.#sourceOf(rules, batch)
    await this.#add(CONTEXT_MATCHES, rules, { table: CONTEXT_GATES, words: 'gate_mask' }, (rule, position) =>
      contextMatchesSql(rule, position, CONTEXT_GATES, this.#shape, this.#dialect),
    )
  }

  /** Matches that are added up. */
  async sum(rules: readonly CompiledRule[], batch: Batch): Promise<void> {
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
   * @param apart called once these records have been taken apart
   * @returns these records, as a batch; the batch itself where there are no such rules
   */
  async match(
    rules: readonly CompiledRule[],
    batch: Batch,
    others: readonly CompiledRule[] = [],
    apart: () => void = () => {},
  ): Promise<Batch> {
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
      `CREATE OR REPLACE TABLE ${ASKED_RECORDS} AS ${matchSql(rules, whole, this.#shape, this.#dialect, along)}`,
    )
    apart()
    await this.#explain(rules, ASKED_RECORDS)
    return inContexts(`(SELECT * FROM ${ASKED_RECORDS} WHERE ${along.mark} IS NOT NULL)`, batch)
  }

  /** Matches of records, found and not told of. */
  async find(rules: readonly CompiledRule[], batch: Batch): Promise<Found> {
    const tables: string[] = []
    const parts: Part[] = []
    const unrun = await this.inPasses(rules, async (some) => {
      const since = performance.now()
      const source = await this.#sourceOf(some, batch)
      const table = `${FOUND}${tables.length}`
      await this.#engine.run(
        `CREATE OR REPLACE TABLE ${table} AS ${matchSql(some, source, this.#shape, this.#dialect)}`,
      )
      tables.push(table)
      const met = await this.#met(some, table, 'hit')
      const positions = new Map(some.map((rule, position) => [rule, position]))
      const sqlOf = (rule: CompiledRule): string => this.#explainSql(rule, positions.get(rule) ?? 0, table)
      const timeoutMs = timeLeft(this.#timeoutMs, since)
      for (const each of inParts(met)) parts.push({ rules: each, sqlOf, timeoutMs })
    })
    return { tables, parts: parts.values(), unrun }
  }

  /** Tells of matches that were found, on whichever connection, as long as there are parts that nobody has taken. */
  async tell({ parts }: Found): Promise<Outcome> {
    const unrun: Unrun[] = []
    for (const { rules, sqlOf, timeoutMs } of parts)
      unrun.push(
        ...(await withinTime(this.#engine, rules, timeoutMs, (some) =>
          this.#engine.run(insertSql(RECORD_MATCHES, some.map(sqlOf))),
        )),
      )
    return unrun
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

  #explainSql(rule: CompiledRule, position: number, hits: string): string {
    return explainSql(rule, matchedIn(hits, position, this.#shape, this.#dialect), this.#shape, this.#dialect)
  }

  #explain(rules: readonly CompiledRule[], hits: string): Promise<void> {
    return this.#add(RECORD_MATCHES, rules, { table: hits, words: 'hit' }, (rule, position) =>
      this.#explainSql(rule, position, hits),
    )
  }

  /** Adds what is told of the matches of rules that have any in a table of such words. */
  async #add(
    into: string,
    rules: readonly CompiledRule[],
    { table, words }: { readonly table: string; readonly words: string },
    sqlOf: (rule: CompiledRule, position: number) => string,
  ): Promise<void> {
    if (rules.length === 0) return
    const met = new Set(await this.#met(rules, table, words))
    const selects = rules.flatMap((rule, position) => (met.has(rule) ? [sqlOf(rule, position)] : []))
    await this.#allOrNone(inParts(selects).map((some) => insertSql(into, some)))
  }

  /** Rules that have any match in a table of words by their position. */
  async #met(rules: readonly CompiledRule[], table: string, words: string): Promise<CompiledRule[]> {
    const any = maskNames(words, rules.length).map((name) => `bit_or(${name}) AS ${name}`)
    const met = wordsOf(await this.#engine.row(`SELECT ${any.join(', ')} FROM ${table}`), words, rules.length)
    return rules.filter((_, position) => hasBit(met, position))
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

const insertSql = (into: string, selects: readonly string[]): string =>
  `INSERT INTO ${into} ${selects.join('\nUNION ALL ')}`

/** As many at once as are explained in one statement. */
const inParts = <T>(list: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(list.length / RULES_AN_EXPLANATION) }, (_, at) =>
    list.slice(at * RULES_AN_EXPLANATION, (at + 1) * RULES_AN_EXPLANATION),
  )
