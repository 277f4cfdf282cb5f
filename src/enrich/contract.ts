/**
 * What an enricher is: a fact about one event column that needs nothing from outside. Events share few addresses and user
 * agents, so facts are remembered by value and joined; a value met for the first time is worked out in place, in the
 * same statement.
 */
import type { Home } from '../core/home.ts'
import type { Engine } from '../engine/duckdb.ts'

/** An enricher plug-in: one file in `enrichers/`, one line in `registry.ts`. */
export interface Enricher {
  readonly name: string
  readonly doc: string
  /** The event column it looks at. */
  readonly input: 'source_ip' | 'user_agent'
  /** The event column it fills. */
  readonly output: string
  /** Engine type of the fact. */
  readonly type: string
  /** Makes reference tables, once per engine. Missing optional data is no error: facts are NULL then. */
  prepare?(engine: Engine, home: Home): Promise<void>
  /**
   * FROM clause that gives the rows of `relation` as alias `e`, with whatever `fact` needs beside them; none doubled, none lost.
   * Joins are to run as written, and few rows meet large tables, so the relation must stand on the right of them.
   */
  from(relation: string, value: string): string
  /** The fact about the value, as SQL; NULL for a NULL value. */
  fact(value: string): string
}
