/** In whose name access to a home is changed on its own machine. */
import { checkIsNoAddress } from '../../serve/auth/names.ts'
import { whoOf } from '../alerting.ts'

/**
 * The name that was given, or the user of the system.
 * @throws AppError BAD_ARGUMENT for an address: nobody checked whose it is, and the record of use would name that person
 */
export function localNameOf(flags: { readonly as?: string }): string {
  const name = whoOf(flags)
  // The names of users of some directories have a domain.
  if (flags.as === undefined) return name.replaceAll('@', ' at ')
  checkIsNoAddress(name, '--as', 'Give a name, such as --as ana.')
  return name
}
