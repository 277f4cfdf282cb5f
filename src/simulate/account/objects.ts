/** The things people and machines made in the workspaces: compute, jobs, notebooks, dashboards, scopes, groups, shares. */
import type { Random } from '../random.ts'
import type { DataEstate, Table } from './data.ts'
import type { Person } from './people.ts'
import type { ServicePrincipal } from './services.ts'
import type { Tenancy, Workspace } from './workspaces.ts'

/** A SQL warehouse. */
export interface Warehouse {
  readonly id: string
  readonly name: string
  readonly workspace: Workspace
}

/** A notebook in somebody's folder or a repository. */
export interface Notebook {
  readonly id: string
  readonly path: string
  readonly workspace: Workspace
}

/** A scheduled job. */
export interface Job {
  readonly id: string
  readonly name: string
  readonly workspace: Workspace
  readonly runAs: ServicePrincipal
  readonly creator: string
  readonly everyMinutes: number
  readonly offsetMinutes: number
  readonly tasks: readonly string[]
  readonly cluster: 'new' | 'existing' | 'serverless'
  readonly reads: readonly Table[]
  readonly writes: readonly Table[]
  /** `scope/key` of the secrets each run reads. */
  readonly secrets: readonly (readonly [scope: string, key: string])[]
  readonly notebook: string
  readonly failureRate: number
}

/** A share and the outside party that reads it. */
export interface Recipient {
  readonly name: string
  readonly id: string
  readonly share: string
  readonly ip: string
  readonly userAgent: string
  readonly tables: readonly Table[]
}

const JOB_NAMES: readonly string[] = (
  'orders_bronze web_sessionize ledger_load inventory_sync demand_features customer_dedupe campaign_spend ' +
  'shipment_tracking margin_daily stock_snapshot recommend_score forecast_score pos_ingest web_bronze hr_headcount ' +
  'orders_silver kpi_publish loyalty_scores ap_load supplier_scorecard attribution_daily bot_filter dq_orders ' +
  'price_refresh ar_load support_topics orders_gold embeddings_build consent_sync bank_reconcile newsletter_segments ' +
  'returns_load recommend_train promo_effect budget_rollup dq_web forecast_train dq_finance table_maintenance backup_export'
).split(' ')

/** Minutes between runs, for a job at each place of the list: a few run all day, most once. */
const PERIODS: readonly number[] = [30, 30, 1440, 60, 240, 1440, 240, 60, 1440, 120, 60, 240, 1440]

/** Groups of the account; the first two matter to attackers. */
export const GROUPS: readonly string[] = [
  'admins',
  'metastore-admins',
  'data-engineers',
  'analysts',
  'data-scientists',
  'bi-developers',
  'finance-readers',
  'hr-readers',
  'contractors',
  'pii-readers',
  'platform-oncall',
]

/** Secret scopes and their keys. */
export const SCOPES: readonly (readonly [scope: string, keys: readonly string[]])[] = [
  ['etl', ['pos-api-key', 'sftp-password', 'jdbc-orders', 'jdbc-inventory']],
  ['finance', ['bank-api-token', 'erp-password', 'sftp-key']],
  ['ml', ['feature-store-key', 'openai-endpoint-key', 'mlflow-token']],
  ['marketing', ['ads-api-key', 'newsletter-api-key']],
  ['platform', ['terraform-state-key', 'ci-deploy-token', 'pagerduty-key', 'break-glass-password']],
  ['hr', ['workday-password']],
]

/** Makes the jobs: the first of the list run most often. */
export function makeJobs(
  random: Random,
  tenancy: Tenancy,
  data: DataEstate,
  services: readonly ServicePrincipal[],
  people: readonly Person[],
): readonly Job[] {
  const engineers = people.filter((person) => person.role === 'engineer')
  const runners = services.filter((service) => service.purpose === 'job')
  return Array.from({ length: 96 }, (_, i): Job => {
    const round = Math.floor(i / JOB_NAMES.length)
    const base = JOB_NAMES[i % JOB_NAMES.length] as string
    const everyMinutes = PERIODS[i % PERIODS.length] as number
    const secretive = i % 5 === 0 && everyMinutes >= 240
    const [scope, keys] = random.pick(SCOPES)
    return {
      id: random.digits(15),
      name: round === 0 ? base : `${base}_${['emea', 'apac'][round - 1]}`,
      workspace: round === 2 ? tenancy.dev : tenancy.prod,
      runAs: runnerOf(base, runners, random),
      creator: random.pick(engineers).email,
      everyMinutes,
      offsetMinutes: everyMinutes === 1440 ? random.int(0, 300) : random.int(0, Math.min(everyMinutes - 1, 14)),
      tasks: ['extract', 'transform', 'load', 'publish'].slice(0, random.int(1, 4)),
      cluster: random.pick(['new', 'new', 'existing', 'serverless'] as const),
      reads: random.sample(tablesOf(base, data), random.int(2, 6)),
      writes: random.sample(tablesOf(base, data), random.int(1, 3)),
      secrets: secretive ? keys.slice(0, 2).map((key) => [scope, key] as const) : [],
      notebook: `/Repos/production/${base.split('_')[0]}/${base}`,
      failureRate: random.chance(0.1) ? 0.08 : 0.01,
    }
  })
}

const RUNNER_WORDS: readonly (readonly [RegExp, string])[] = [
  [/order|returns|pos|price|promo/, 'sp-etl-orders'],
  [/customer|loyalty|support|consent/, 'sp-etl-customers'],
  [/inventory|stock/, 'sp-etl-inventory'],
  [/ledger|ap_|ar_|bank|budget|margin/, 'sp-etl-finance'],
  [/web|bot/, 'sp-etl-web-events'],
  [/campaign|attribution|newsletter/, 'sp-etl-marketing'],
  [/supplier|shipment/, 'sp-etl-supply'],
  [/hr_/, 'sp-etl-hr'],
  [/forecast|demand/, 'sp-ml-forecast'],
  [/recommend|embeddings/, 'sp-ml-recommend'],
  [/backup/, 'sp-backup'],
]

function runnerOf(name: string, runners: readonly ServicePrincipal[], random: Random): ServicePrincipal {
  const match = RUNNER_WORDS.find(([words]) => words.test(name))
  return runners.find((runner) => runner.name === match?.[1]) ?? random.pick(runners.slice(0, 4))
}

function tablesOf(name: string, data: DataEstate): readonly Table[] {
  if (/customer|loyalty|support/.test(name)) return [...data.pii, ...data.open.slice(0, 6)]
  if (/ledger|ap_|ar_|bank|budget/.test(name)) return data.finance
  if (/hr_/.test(name)) return data.hr
  return data.open
}

/** Makes the warehouses: two in production, one for development. */
export const makeWarehouses = (random: Random, { prod, dev }: Tenancy): readonly Warehouse[] => [
  { id: random.hex(8), name: 'bi-serverless', workspace: prod },
  { id: random.hex(8), name: 'analysts-pro', workspace: prod },
  { id: random.hex(8), name: 'dev-small', workspace: dev },
]

const TOPICS = 'revenue churn stock promo basket delivery margin traffic forecast returns pricing loyalty'.split(' ')

/** Makes notebooks: a few in everybody's folder. */
export function makeNotebooks(random: Random, tenancy: Tenancy, people: readonly Person[]): readonly Notebook[] {
  return people.flatMap((person) =>
    random.sample(TOPICS, 3).map(
      (topic, i): Notebook => ({
        id: random.digits(16),
        path: `/Users/${person.email}/${topic}_${['analysis', 'exploration', 'draft'][i]}`,
        workspace: person.role === 'analyst' || person.role === 'bi' || i === 0 ? tenancy.prod : tenancy.dev,
      }),
    ),
  )
}

/** Makes the outside recipients of shares. */
export function makeRecipients(random: Random, data: DataEstate, egress: readonly string[]): readonly Recipient[] {
  const clients = ['Delta-Sharing-Spark/3.3.1', 'Delta-Sharing-Python/1.3.2 pandas/2.2', 'Delta-Sharing-PowerBI/1.0']
  return ['nordlog_logistics', 'brightads_agency', 'fieldview_research'].map((name, i) => ({
    name,
    id: random.uuid(),
    share: ['supply_share', 'campaign_share', 'panel_share'][i] as string,
    ip: egress[i] as string,
    userAgent: clients[i] as string,
    tables: random.sample(data.open, 5),
  }))
}
