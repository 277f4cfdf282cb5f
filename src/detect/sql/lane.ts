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
import { ASKED_RECORDS, CONTEXT_MATCHES, GATE_VALUES, RECORD_MATCHES } from './shared-tables.ts'
import { summedSql, sumsSql } from './sums.ts'
import { type Outcome, type Unrun, withinTime } from './within-time.ts'

/** Rules in one statement. More take longer to plan than they save in passes. */
const RULES_A_PASS = 434

/** Rules explained in one statement. */
const RULES_AN_EXPLANATION = 24

const GATES = 'temp.gates'
const CONTEXT_GATES = 'temp.context_gates'
const CONTEXT_PLACES = 'temp.context_places'
const HITS = 'temp.rule_hits'
const SUMMED = 'temp.rule_summed'

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
    await this.#tell(CONTEXT_MATCHES, rules, { table: CONTEXT_GATES, words: 'gate_mask' }, (rule, position) =>
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
