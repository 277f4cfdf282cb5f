/** Every form the simulator writes. */
import { azureForm } from './azure.ts'
import type { FormName, MakeForm } from './contract.ts'
import { deliveryForm } from './delivery.ts'
import { systemTableForm } from './system-table.ts'

/** The maker of each form, by name. */
export const FORMS: Readonly<Record<FormName, MakeForm>> = {
  delivery: deliveryForm,
  azure: azureForm,
  'system-table': systemTableForm,
}
