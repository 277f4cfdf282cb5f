/** Things of a server whose ids are typed by their first digits. */
import { AppError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'

/** Digits of an id that are enough to look for. */
const FEWEST_DIGITS = 4

/**
 * The one whose id begins so.
 * @param what what it is called, such as `alert`
 * @throws AppError BAD_ARGUMENT where none or several do
 */
export function byBeginning<T extends { readonly id: string }>(what: string, all: readonly T[], typed: string): T {
  const text = typed.toLowerCase()
  const found = text.length < FEWEST_DIGITS ? [] : all.filter(({ id }) => id.toLowerCase().startsWith(text))
  const [one, another] = found
  if (one !== undefined && another === undefined) return one
  if (one !== undefined)
    throw new AppError('BAD_ARGUMENT', `${typed} is the beginning of more than one ${what}.`, {
      hint: `Type more of it, such as ${one.id}.`,
    })
  const [near] = nearest(
    text,
    all.map(({ id }) => id),
  )
  throw new AppError('BAD_ARGUMENT', `There is no ${what} ${typed}.`, {
    hint: near === undefined ? 'Ids are listed by `list`; at least four digits are needed.' : `Did you mean ${near}?`,
  })
}
