/**
 * The values a statement's rules look at, each worked out once for a record and given a column. With masks, a value is worked
 * out only for records that a rule which wants it may match.
 */
import type { Dialect } from './dialect.ts'
import type { Operand, RecordShape } from './fields.ts'
import type { Mask } from './masks.ts'

/** A field, ready to be used in a rule's expression. */
export interface BoundField {
  readonly operand: Operand
  /** SQL of the value. */
  readonly value: string
  /** SQL of the value in lower case; of a list its elements in one text, with {@link BETWEEN_ELEMENTS} between them. */
  readonly folded: () => string
  readonly present: string
}

/** Stands between the elements of a list that is looked at as one text: the unit separator, which no text has of itself. */
export const BETWEEN_ELEMENTS = '\x1f'

/** A column of one layer: what it is called, what it is, and which rules want it. */
interface Computed {
  readonly name: string
  readonly sql: string
  mask: Mask | undefined
}

/** Which layer a value is worked out in; each reads the ones before. */
const LAYERS = ['shared', 'values', 'folded'] as const

/** Field columns that expressions name, gathered while rules are rendered. */
export class Bindings {
  readonly shape: RecordShape
  readonly dialect: Dialect
  /** Columns of the relation that anything reads. */
  readonly columns = new Set<string>()
  readonly #layers: Readonly<Record<(typeof LAYERS)[number], Map<string, Computed>>> = {
    shared: new Map(),
    values: new Map(),
    folded: new Map(),
  }
  readonly #inPlace: boolean
  #mask: Mask | undefined

  /** `inPlace`: no columns are made, every use works its value out again; for few rows. */
  constructor(shape: RecordShape, dialect: Dialect, inPlace = false) {
    this.shape = shape
    this.dialect = dialect
    this.#inPlace = inPlace
  }

  /** Says which rules what is asked for next is wanted by; undefined: by all. */
  wantedBy(mask: Mask | undefined): void {
    this.#mask = mask
  }

  /** A field by name, or the whole record for null; undefined for one that no record has. */
  field(name: string | null): BoundField | undefined {
    const operand = name === null ? this.shape.recordText : this.shape.field(name)
    if (operand === undefined) return undefined
    for (const column of operand.columns) this.columns.add(column)
    for (const shared of operand.uses ?? []) this.#share(shared)
    const key = name ?? '\0record'
    const value = operand.isColumn ? operand.sql : this.#column('values', 'v', key, operand.sql)
    const whole = () =>
      operand.type === 'texts' ? this.dialect.joinTexts(value, this.dialect.text(BETWEEN_ELEMENTS)) : value
    const folded = () => this.#column('folded', 'f', key, this.dialect.lower(whole()))
    return { operand, value, folded, present: operand.present }
  }

  #share(name: string): void {
    const shared = this.shape.shared[name]
    if (shared === undefined) return
    for (const column of shared.columns) this.columns.add(column)
    this.#want('shared', name, { name, sql: shared.sql })
  }

  #column(layer: 'values' | 'folded', letter: string, key: string, sql: string): string {
    if (this.#inPlace) return sql
    return this.#want(layer, key, { name: `${letter}${this.#layers[layer].size + 1}`, sql })
  }

  #want(layer: (typeof LAYERS)[number], key: string, column: { name: string; sql: string }): string {
    const known = this.#layers[layer].get(key)
    if (known === undefined) {
      this.#layers[layer].set(key, { ...column, mask: this.#mask })
      return column.name
    }
    known.mask = known.mask === undefined || this.#mask === undefined ? undefined : known.mask.with(this.#mask)
    return known.name
  }

  /** A SELECT over `relation` that adds every column asked for. */
  over(relation: string): string {
    return LAYERS.reduce((from, layer) => {
      const columns = [...this.#layers[layer].values()].map(({ name, sql, mask }) =>
        mask === undefined ? `${sql} AS ${name}` : `CASE WHEN ${mask.meets(this.dialect)} THEN ${sql} END AS ${name}`,
      )
      return columns.length === 0 ? from : `(SELECT *, ${columns.join(',\n  ')}\nFROM ${from})`
    }, relation)
  }
}
