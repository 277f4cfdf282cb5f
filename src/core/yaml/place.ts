/** Where in a rule file something stands, and what is wrong with it there. */

/** A place in a file; line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Something wrong with a document. An error keeps what it is about (a rule, or an entry of a list) from being used, a warning does not. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  /** What is wrong, in words. */
  readonly message: string
  /** What to do about it. */
  readonly hint: string
  readonly place: Place
}

/** Keys and indexes that lead from the top of a document to a value. */
export type ValuePath = readonly (string | number)[]

/** Where the problems of one document are gathered while it is read. */
export interface Reporter {
  /** Reports an error at a value; `offset` counts characters into its text. */
  readonly error: (path: ValuePath, message: string, hint: string, offset?: number) => void
  readonly warning: (path: ValuePath, message: string, hint: string) => void
  /** Where a value stands. */
  readonly placeOf: (path: ValuePath, offset?: number) => Place
}

/** `file:line:column`, as editors and terminals make links of. */
export const placeText = ({ file, line, column }: Place): string => `${file}:${line}:${column}`

/** A problem on one line. */
export const problemText = ({ severity, message, hint, place }: Problem): string =>
  `${placeText(place)}: ${severity}: ${message} ${hint}`.trimEnd()
