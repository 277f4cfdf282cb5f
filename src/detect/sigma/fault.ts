/** Something wrong inside a text of a rule. */

/** Why a text cannot be used; `offset` counts characters into it, and is absent where it is about the text as a whole. */
export class Fault extends Error {
  readonly hint: string
  readonly offset: number | undefined

  constructor(message: string, hint: string, offset?: number) {
    super(message)
    this.name = 'Fault'
    this.hint = hint
    this.offset = offset
  }
}
