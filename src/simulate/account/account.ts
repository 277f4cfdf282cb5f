/** The simulated account: everything that stands before the first event. */
import type { Random } from '../random.ts'
import { type DataEstate, makeDataEstate } from './data.ts'
import { RECIPIENT_EGRESS } from './networks.ts'
import {
  type Job,
  makeJobs,
  makeNotebooks,
  makeRecipients,
  makeWarehouses,
  type Notebook,
  type Recipient,
  type Warehouse,
} from './objects.ts'
import { makePeople, type Person, type Role } from './people.ts'
import { makeServices, type ServicePrincipal } from './services.ts'
import { makeTenancy, type Tenancy } from './workspaces.ts'

/** Everything events can name. */
export interface Account extends Tenancy {
  /** Azure signs people in through Entra ID and so logs other actions. */
  readonly cloud: 'aws' | 'azure'
  readonly people: readonly Person[]
  readonly services: readonly ServicePrincipal[]
  readonly data: DataEstate
  readonly jobs: readonly Job[]
  readonly warehouses: readonly Warehouse[]
  readonly notebooks: readonly Notebook[]
  readonly recipients: readonly Recipient[]
  /** Ids of dashboards, Genie spaces and serving endpoints' names. */
  readonly dashboards: readonly string[]
  readonly spaces: readonly string[]
  readonly endpoints: readonly string[]
}

/** Makes the account of a seed. */
export function makeAccount(root: Random, cloud: 'aws' | 'azure'): Account {
  const tenancy = makeTenancy(root.fork('tenancy'))
  const data = makeDataEstate(root.fork('data'))
  const people = makePeople(root.fork('people'))
  const services = makeServices(root.fork('services'))
  const ids = root.fork('object-ids')
  return {
    ...tenancy,
    cloud,
    people,
    services,
    data,
    jobs: makeJobs(root.fork('jobs'), tenancy, data, services, people),
    warehouses: makeWarehouses(root.fork('warehouses'), tenancy),
    notebooks: makeNotebooks(root.fork('notebooks'), tenancy, people),
    recipients: makeRecipients(root.fork('recipients'), data, RECIPIENT_EGRESS),
    dashboards: Array.from({ length: 18 }, () => `01f${ids.hex(15)}`.slice(0, 32)),
    spaces: Array.from({ length: 5 }, () => `01f${ids.hex(15)}`.slice(0, 32)),
    endpoints: ['recommend-prod', 'forecast-api', 'support-assistant', 'product-search'],
  }
}

/** The active people of a role. */
export const peopleOf = (account: Account, role: Role): readonly Person[] =>
  account.people.filter((person) => person.role === role && !person.dormant)

/** The service principal of a name; throws if the account has none. */
export function serviceNamed(account: Account, name: string): ServicePrincipal {
  const found = account.services.find((service) => service.name === name)
  if (found === undefined) throw new Error(`no service principal ${name}`)
  return found
}
