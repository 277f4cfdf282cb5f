/**
 * The values a statement's rules look at. One that many rules want is worked out once for a record and given a column; with masks, only
 * for records that one of those rules may match. One that few rules want stands where they use it: a column costs something for
 * every record, even where it is empty.
 */
import type { Dialect } from './dialect.ts'
import type { Operand, RecordShape } from './fields.ts'
import type { Mask } from './masks.ts'

/** A field, ready to be used in a rule's expression. */
export interface BoundField {
  readonly operand: Operand
  /** SQL of the value. */
  readonly value: string
  /** SQL of the value; of a list its elements in one text, with {@link BETWEEN_ELEMENTS} between them. */
  readonly whole: () => string
  /** The same in lower case. */
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

/** Rules that may each work a value out for themselves. */
const FEW_RULES = 2

/** A longer expression is written once. */
const LONGEST_IN_PLACE = 700

/** Stands for a value until it is known whether it gets a column. No SQL has a NUL in it. */
const PLACE = /\0(\w+)\0/g

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
  readonly #byName = new Map<string, Computed>()
  readonly #inPlace: boolean
  #mask: Mask | undefined

  /** `inPlace`: no columns are made, every use works its value out again; for few rows. */
  constructor(shape: RecordShape, dialect: Dialect, inPlace = false) {
    this.shape = shape
    this.dialect = dialect
    this.#inPlace = inPlace
  }

  /**
   * Says which rules what is asked for next is wanted by; undefined: by all. SQL made of it then has to go through {@link settled}.
   */
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
    // Of a column the engine folds each different value once, unless it is asked row by row whether to.
    const isWholeColumn = operand.isColumn && operand.type === 'text'
    const folded = () => this.#column('folded', 'f', key, this.dialect.lower(whole()), isWholeColumn)
    return { operand, value, whole, folded, present: operand.present }
  }

  #share(name: string): void {
    const shared = this.shape.shared[name]
    if (shared === undefined) return
    for (const column of shared.columns) this.columns.add(column)
    this.#want('shared', name, { name, sql: shared.sql })
  }

  /** SQL with every value in its place, or the column it has. */
  settled(sql: string): string {
    return sql.replaceAll(PLACE, (_, name: string) => {
      const computed = this.#byName.get(name)
      return computed !== undefined && this.#isInPlace(computed) ? `(${this.settled(computed.sql)})` : name
    })
  }

  #isInPlace({ mask, sql }: Computed): boolean {
    return mask !== undefined && mask.size <= FEW_RULES && this.settled(sql).length <= LONGEST_IN_PLACE
  }

  #column(layer: 'values' | 'folded', letter: string, key: string, sql: string, forAll = false): string {
    if (this.#inPlace) return sql
    const name = this.#want(layer, key, { name: `${letter}${this.#layers[layer].size + 1}`, sql }, forAll)
    return this.#mask === undefined || forAll ? name : `\0${name}\0`
  }

  #want(layer: (typeof LAYERS)[number], key: string, column: { name: string; sql: string }, forAll = false): string {
    const mask = forAll ? undefined : this.#mask
    const known = this.#layers[layer].get(key)
    if (known === undefined) {
      const computed = { ...column, mask }
      this.#layers[layer].set(key, computed)
      this.#byName.set(column.name, computed)
      return column.name
    }
    known.mask = known.mask === undefined || mask === undefined ? undefined : known.mask.with(mask)
    return known.name
  }

  /** A SELECT over `relation` that adds every column asked for. */
  over(relation: string): string {
    return LAYERS.reduce((from, layer) => {
      const own = [...this.#layers[layer].values()].filter((each) => layer === 'shared' || !this.#isInPlace(each))
      const columns = own.map(({ name, sql, mask }) => {
        const value = this.settled(sql)
        return mask === undefined
          ? `${value} AS ${name}`
          : `CASE WHEN ${mask.meets(this.dialect)} THEN ${value} END AS ${name}`
      })
      return columns.length === 0 ? from : `(SELECT *, ${columns.join(',\n  ')}\nFROM ${from})`
    }, relation)
  }
}
