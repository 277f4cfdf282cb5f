/** The account's fixed points: its id, its two workspaces, its metastore. */
import type { Random } from '../random.ts'

/** A workspace as its records name it. */
export interface Workspace {
  /** 16 digits; text, because such ids are no numbers to count with. */
  readonly id: string
  readonly name: string
  readonly env: 'prod' | 'dev'
  readonly host: string
  readonly metastoreId: string
  readonly clusterIds: readonly string[]
}

/** Ids of the account and its workspaces. */
export interface Tenancy {
  readonly accountId: string
  readonly metastoreId: string
  readonly subscriptionId: string
  readonly prod: Workspace
  readonly dev: Workspace
}

/** The domain of everybody's address; reserved, so nobody real is meant. */
export const DOMAIN = 'halden-retail.example'

/** Makes the ids of an account. */
export function makeTenancy(random: Random): Tenancy {
  const metastoreId = random.uuid()
  const workspace = (name: string, env: 'prod' | 'dev'): Workspace => ({
    id: random.digits(16).replace(/^9/, '6'),
    name,
    env,
    host: `dbc-${random.hex(4)}-${random.hex(2)}.cloud.databricks.com`,
    metastoreId,
    clusterIds: Array.from({ length: 14 }, () => clusterId(random)),
  })
  return {
    accountId: random.uuid(),
    metastoreId,
    subscriptionId: random.uuid(),
    prod: workspace('halden-prod', 'prod'),
    dev: workspace('halden-dev', 'dev'),
  }
}

/** A cluster id as Databricks forms it: month-day, time, eight letters and digits. */
export function clusterId(random: Random): string {
  const two = (max: number) => String(random.int(1, max)).padStart(2, '0')
  return `${two(12)}${two(28)}-${two(23)}${two(59)}${two(59)}-${random.int(0x1000_0000, 0x7fff_ffff).toString(36).padStart(8, 'k').slice(0, 8)}`
}
