/** Do the queries of runbooks run? They are bound to the columns of the lake, behind the gate of the sandbox. */

import { isAppError, messageOf } from '../../core/errors.ts'
import { EVENT_COLUMNS, REJECT_COLUMNS } from '../../core/event.ts'
import { FINDING_COLUMNS } from '../../core/finding.ts'
import { isYamlList, isYamlMap, type YamlDocument } from '../../core/yaml/documents.ts'
import { Engine } from '../../engine/duckdb.ts'
import { checkSelect, type Gate, gateOf } from '../../engine/select-only.ts'
import { columnDefinitions } from '../../engine/types.ts'
import { blockOf } from './lint-content.ts'

const TABLES = { events: EVENT_COLUMNS, rejects: REJECT_COLUMNS, findings: FINDING_COLUMNS } as const

/** Binds queries to empty tables. Close it. */
export class RunbookLint {
  readonly #engine: Engine
  readonly #gate: Gate
  /** What is wrong with a query, by its text; null for nothing. */
  readonly #known = new Map<string, string | null>()

  private constructor(engine: Engine, gate: Gate) {
    this.#engine = engine
    this.#gate = gate
  }

  static async open(): Promise<RunbookLint> {
    const engine = await Engine.open({ threads: 1 })
    for (const [name, columns] of Object.entries(TABLES)) {
      await engine.run(`CREATE TABLE ${name} (${columnDefinitions(columns)})`)
    }
    return new RunbookLint(engine, await gateOf(engine, Object.keys(TABLES)))
  }

  close(): void {
    this.#engine.close()
  }

  /** Reports the queries of a document that do not bind, or that nothing bounds. */
  async lint(document: YamlDocument): Promise<void> {
    const { runbook } = blockOf(document)
    for (const [at, step] of (isYamlList(runbook) ? runbook : []).entries()) {
      const sql = isYamlMap(step) ? step.sql : undefined
      if (typeof sql !== 'string') continue
      const path = ['bricktrail', 'runbook', at, 'sql']
      const fault = await this.#faultOf(sql)
      if (fault !== null)
        document.error(path, `The query does not run: ${fault}`, 'docs/reference/events.md lists the columns.')
      else if (!/:(from|to|entity)\b/.test(sql)) {
        document.error(path, 'The query is not bounded by the finding.', 'Use :from, :to and :entity in it.')
      }
    }
  }

  async #faultOf(sql: string): Promise<string | null> {
    const known = this.#known.get(sql)
    if (known !== undefined) return known
    const fault = await this.#bind(filledIn(sql))
    this.#known.set(sql, fault)
    return fault
  }

  async #bind(sql: string): Promise<string | null> {
    try {
      const { subquery } = await checkSelect(this.#engine, sql, this.#gate)
      await this.#engine.run(`EXPLAIN SELECT * FROM (${subquery}\n)`)
      return null
    } catch (cause) {
      if (!isAppError(cause)) throw cause
      return messageOf(cause)
    }
  }
}

/** The query with values of the types that a finding gives. */
const filledIn = (sql: string): string =>
  sql.replaceAll(/:(from|to)\b/g, "TIMESTAMPTZ '2026-11-02 00:00:00Z'").replaceAll(/:entity\b/g, "'somebody'")
