/**
 * What the first records of its objects, and some from all over the large ones, tell about the rest of a batch: key lists,
 * addresses, user agents. With it the quick reading takes most records at once; a record that it does not cover is read the
 * careful way, so hints are about speed only.
 */
import type { HeadRecord } from '../collect/head.ts'
import type { Engine } from '../engine/duckdb.ts'
import { learn } from '../enrich/memo.ts'
import { ipSql } from '../normalise/event.ts'

/** Whole key lists that the quick reading accepts. */
const MAX_SIGNATURES = 64
/** Values learnt ahead of a batch; those it meets beyond are learnt on the way. */
const MAX_VALUES = 20_000

/** Names under which the forms carry address and user agent, in lower case. */
const INPUTS: Readonly<Record<string, 'source_ip' | 'user_agent'>> = {
  sourceipaddress: 'source_ip',
  source_ip_address: 'source_ip',
  actorip: 'source_ip',
  useragent: 'user_agent',
  user_agent: 'user_agent',
}

/** Which column of the event a record's field of that name fills, of those worth learning ahead. */
export const inputNamed = (name: string): 'source_ip' | 'user_agent' | undefined => INPUTS[name.toLowerCase()]

/** Hints for the objects of one batch. */
export class Hints {
  readonly #known: ReadonlySet<string>
  readonly #signatures = new Map<string, readonly string[]>()
  readonly #values = { source_ip: new Set<string>(), user_agent: new Set<string>() }

  /** @param knownKeys keys the batch's form maps */
  constructor(knownKeys: ReadonlySet<string>) {
    this.#known = knownKeys
  }

  /** Key lists that hold known keys only. */
  get signatures(): (readonly string[])[] {
    return [...this.#signatures.values()]
  }

  /** Notes a record's keys and values. */
  take(record: HeadRecord): void {
    this.takeKeys(Object.keys(record))
    this.#takeValues(record)
    if (typeof record.properties === 'object') this.#takeValues(record.properties ?? {})
  }

  /** Notes a key list, such as the columns of a table. */
  takeKeys(keys: readonly string[]): void {
    const signature = keys.join('\n')
    if (this.#signatures.size >= MAX_SIGNATURES || this.#signatures.has(signature)) return
    if (keys.every((key) => this.#known.has(key))) this.#signatures.set(signature, keys)
  }

  /** Notes what others have noted. */
  takeAll(others: Hints): void {
    for (const [signature, keys] of others.#signatures)
      if (this.#signatures.size < MAX_SIGNATURES) this.#signatures.set(signature, keys)
    for (const input of ['source_ip', 'user_agent'] as const)
      for (const value of others.#values[input]) this.#takeValue(input, value)
  }

  #takeValues(record: object): void {
    for (const [key, value] of Object.entries(record)) {
      const input = inputNamed(key)
      if (input !== undefined && typeof value === 'string') this.#takeValue(input, value)
    }
  }

  #takeValue(input: 'source_ip' | 'user_agent', value: string): void {
    if (this.#values[input].size < MAX_VALUES) this.#values[input].add(value)
  }

  /** Has the engine learn the values. */
  async learn(engine: Engine): Promise<void> {
    for (const input of ['source_ip', 'user_agent'] as const) {
      const rows = [...this.#values[input]].map((value) => ({ value }))
      await engine.tableOf(`head_${input}`, rows, ['value'])
    }
    await learn(engine, (input) => `SELECT ${input === 'source_ip' ? ipSql('value') : 'value'} FROM head_${input}`)
    for (const input of ['source_ip', 'user_agent'] as const) await engine.run(`DROP TABLE head_${input}`)
  }
}
