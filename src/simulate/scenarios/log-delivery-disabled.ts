/** The delivery of these very logs switched off. */
import type { Scenario } from './contract.ts'

/** Log delivery disabled. */
export const logDeliveryDisabled: Scenario = {
  id: 'log-delivery-disabled',
  title: 'Audit log delivery disabled',
  expect: 'logDelivery.updateLogDeliveryConfiguration with status DISABLED.',
  techniques: ['T1562.008'],
  rules: ['audit-log-delivery-disabled'],
  accountLevel: true,
  play({ account, random, at, person, sit }) {
    sit(person('admin'), at(20.8)).account('logDelivery', 'updateLogDeliveryConfiguration', {
      config_id: random.uuid(),
      account_id: account.accountId,
      status: 'DISABLED',
    })
  },
}
