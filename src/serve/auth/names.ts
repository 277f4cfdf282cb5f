/** Names that somebody chose, in the record of use. */
import { AppError } from '../../core/errors.ts'

/** True for a name that could be taken for an address, which only a provider can have checked. */
export const looksLikeAddress = (name: string): boolean => name.normalize('NFKC').includes('@')

/**
 * Refuses a chosen name that the record of use would take for a person's.
 * @throws AppError BAD_ARGUMENT
 */
export function checkIsNoAddress(name: string, what: string, hint: string): void {
  if (looksLikeAddress(name))
    throw new AppError('BAD_ARGUMENT', `${what} is no address: the record of use would take it for a person.`, { hint })
}
