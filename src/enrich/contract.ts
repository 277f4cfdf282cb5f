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
  /** JOIN clauses that `fact` needs, over the relation and column given; must keep the relation's rows as they are. */
  join(value: string): string
  /** The fact about the value, as SQL; NULL for a NULL value. */
  fact(value: string): string
}
