/** SQL that says in words and numbers why a baseline matched. */
import type { Dialect } from '../sql/dialect.ts'

/** Name of the selection that reasons of baselines carry. */
export const REASON = 'baseline'

/** Values named as examples of what is usual. */
export const VALUES_NAMED = 3

/** Words for baselines in a dialect. */
export class Words {
  readonly #dialect: Dialect

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  /** Expressions after each other; what is NULL is left out. */
  joined = (parts: readonly string[]): string => parts.map((part) => `coalesce(${part}, '')`).join(' || ')

  text = (words: string): string => this.#dialect.text(words)

  /** A number with at most one digit behind the point. */
  number = (x: string): string => {
    const rounded = this.#dialect.asText(`round(${x}, 1)`)
    return `CASE WHEN round(${x}, 1) = round(${x}) AND abs(${x}) < 1e15 THEN ${this.#dialect.asText(`CAST(round(${x}) AS BIGINT)`)} ELSE ${rounded} END`
  }

  day = (time: string): string => this.#dialect.asText(`CAST(${time} AS DATE)`)

  /** Milliseconds as days, hours or minutes. */
  span = (ms: string): string =>
    `CASE WHEN ${ms} % 86400000 = 0 OR ${ms} >= 172800000 THEN ${this.number(`${ms} / 86400000.0`)} || ' d'
      WHEN ${ms} >= 3600000 THEN ${this.number(`${ms} / 3600000.0`)} || ' h' ELSE ${this.number(`${ms} / 60000.0`)} || ' min' END`

  /** The values of a key or value, as it is kept, with commas between. */
  values = (key: string): string =>
    this.#dialect.joinTexts(
      this.#dialect.filter(this.#dialect.textsOfJson(key), 'part', (part) => `${part} IS NOT NULL`),
      this.text(', '),
    )

  /** Names of fields, with commas between. */
  names = (list: string): string => this.#dialect.joinTexts(list, this.text(', '))

  /** A list of one reason. */
  reason = (field: string, value: string): string =>
    this.#dialect.list([this.#dialect.struct({ selection: this.text(REASON), field, value })])

  /** The reasons of an event with one more. */
  because = (field: string, value: string): string => `list_concat(because, ${this.reason(field, value)})`
}
