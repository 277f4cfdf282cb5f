/** Every form, in order of recognition: the more telling marks first. A test compares this list with the folder. */
import { AppError } from '../core/errors.ts'
import type { Form } from './contract.ts'
import { azure } from './forms/azure.ts'
import { delivery } from './forms/delivery.ts'
import { systemTable } from './forms/system-table.ts'
import { uam } from './forms/uam.ts'

/** Every form; the first that recognises a record takes it. */
export const FORMS: readonly Form[] = [uam, azure, systemTable, delivery]

/** The form of that name; BAD_ARGUMENT error if there is none. */
export function formNamed(name: string): Form {
  const form = FORMS.find((each) => each.name === name)
  if (form !== undefined) return form
  const names = FORMS.map((each) => each.name).join(', ')
  throw new AppError('BAD_ARGUMENT', `There is no form named “${name}”.`, { hint: `Use one of: ${names}.` })
}
