/** Something wrong inside a text of a rule. */

/** Why a text cannot be used; `offset` counts characters into it. */
export class Fault extends Error {
  readonly hint: string
  readonly offset: number

  constructor(message: string, hint: string, offset = 0) {
    super(message)
    this.name = 'Fault'
    this.hint = hint
    this.offset = offset
  }
}
