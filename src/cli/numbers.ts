/** Numbers as typed on a command line. */
import { AppError } from '../core/errors.ts'

/** A whole number of at least 0, digits perhaps parted by `_`; BAD_ARGUMENT otherwise. */
export function wholeNumber(option: string, text: string): number {
  const value = /^\d+(?:_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new AppError('BAD_ARGUMENT', `${option} takes a whole number, not "${text}".`)
}
