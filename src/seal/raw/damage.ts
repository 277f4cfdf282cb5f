/** What can be wrong with a stored object. */
import { AppError } from '../../core/errors.ts'

/** `cut`: its end is missing. `reordered`: pieces of it stand in each other's place. `changed`: anything else. */
export type RawFault = 'missing' | 'cut' | 'reordered' | 'changed'

/** A stored object that is not what was stored. */
export class RawDamage extends AppError {
  readonly fault: RawFault

  /** @param message what is wrong, after the name of the file */
  constructor(fault: RawFault, where: string, message: string) {
    super('BAD_SEAL', `${where} ${message}.`, {
      where,
      hint: 'Put the file back from a copy, or ingest the object again while its source still has it.',
    })
    this.fault = fault
  }
}
