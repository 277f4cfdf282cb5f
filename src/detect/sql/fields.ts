/** What a rule's fields are in SQL. */

/** How the values of a field are typed: `texts` is a list of which any element counts. */
export type OperandType = 'text' | 'texts' | 'number' | 'boolean' | 'time'

/** A single value: a field that has one, or an element of one that has several. */
export interface ValueSql {
  readonly type: Exclude<OperandType, 'texts'>
  readonly value: string
  readonly folded: () => string
}

/** A field of a record. */
export interface Operand {
  readonly type: OperandType
  /** The value; NULL where the record has none. */
  readonly sql: string
  /** A truth value: the record has the field, with or without a value. */
  readonly present: string
  /** Columns of the relation it reads. */
  readonly columns: readonly string[]
  /** Whether reading it costs nothing: it is a column. */
  readonly isColumn: boolean
  /** The gate's column that holds the same, if there is one. */
  readonly gate?: string
  /** The column of contexts that holds the same, if there is one; of a field of the gate the gate's. */
  readonly context?: string
  /** Names of {@link RecordShape.shared} that `sql` and `present` use. */
  readonly uses?: readonly string[]
}

/** A value of a record under a name of its own. */
export interface NamedValue {
  readonly name: string
  readonly sql: string
  /** Columns of the relation it reads. */
  readonly columns: readonly string[]
}

/** The records rules are run over: what their fields are, and what tells early which rules can match. */
export interface RecordShape {
  /** Columns that say which record it is and when it was, with their types. */
  readonly ids: Readonly<Record<string, string>>
  /** A field by the name a rule gives it; undefined for one that no record has. */
  readonly field: (name: string) => Operand | undefined
  /** Every value of the record as one text, for keywords. */
  readonly recordText: Operand
  /** Columns of few different values, by name: what is known of a record before anything is looked at more closely. */
  readonly gate: readonly NamedValue[]
  /** Beside the gate's, values that many records have in common (who, from where, with what): with them, they are a record's context. */
  readonly context: readonly NamedValue[]
  /** Values several fields are worked out from, by the name they use them by. */
  readonly shared: Readonly<Record<string, { readonly sql: string; readonly columns: readonly string[] }>>
  /** The same records, made for reading these fields and no others. */
  readonly narrowed?: (fields: readonly string[]) => RecordShape
}
