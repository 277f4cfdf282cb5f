/** Numbers as typed on a command line. */
import { AppError } from '../core/errors.ts'

/** A whole number of at least 0; BAD_ARGUMENT otherwise. */
export function wholeNumber(option: string, text: string): number {
  const value = Number(text.replaceAll('_', ''))
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new AppError('BAD_ARGUMENT', `${option} takes a whole number, not “${text}”.`)
  }
  return value
}
