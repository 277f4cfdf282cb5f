/** What the account holds: tables, volumes, shares, secrets and the objects people make. */
import type { Random } from '../random.ts'

/** How closely a table is kept. */
export type Sensitivity = 'pii' | 'finance' | 'hr' | 'none'

/** One Unity Catalog table. */
export interface Table {
  readonly id: string
  readonly catalog: string
  readonly schema: string
  readonly name: string
  /** catalog.schema.name */
  readonly full: string
  readonly url: string
  readonly sensitivity: Sensitivity
}

/** One Unity Catalog volume. */
export interface Volume {
  readonly id: string
  readonly full: string
  readonly url: string
}

/** Tables and volumes. */
export interface DataEstate {
  readonly tables: readonly Table[]
  readonly open: readonly Table[]
  readonly pii: readonly Table[]
  readonly finance: readonly Table[]
  readonly hr: readonly Table[]
  readonly volumes: readonly Volume[]
  readonly schemas: readonly (readonly [catalog: string, schema: string])[]
}

/** catalog, schema, sensitivity, tables */
const LAYOUT: readonly (readonly [string, string, Sensitivity, string])[] = [
  [
    'main',
    'sales',
    'none',
    'orders order_lines returns invoices_summary stores promotions price_history baskets coupons channels',
  ],
  [
    'main',
    'inventory',
    'none',
    'stock_levels warehouses replenishment suppliers shipments shrinkage purchase_orders deliveries',
  ],
  ['main', 'web', 'none', 'sessions page_views clicks search_terms carts ab_tests referrers bots consent'],
  ['main', 'marketing', 'none', 'campaigns spend attribution newsletters segments impressions leads_summary'],
  ['main', 'reference', 'none', 'calendar countries currencies products categories tax_rates units'],
  [
    'main',
    'gold',
    'none',
    'daily_revenue store_kpis category_margin stock_turnover delivery_times conversion basket_size',
  ],
  ['staging', 'raw_orders', 'none', 'orders_raw lines_raw returns_raw events_raw pos_raw'],
  ['staging', 'raw_web', 'none', 'hits_raw sessions_raw errors_raw consent_raw'],
  ['staging', 'dbt_tmp', 'none', 'stg_orders stg_lines stg_products stg_stores stg_sessions int_baskets int_margin'],
  ['customer', 'profiles', 'pii', 'customers addresses phone_numbers loyalty_members preferences identities'],
  ['customer', 'support', 'pii', 'tickets chat_transcripts complaints call_recordings_index'],
  ['customer', 'payments', 'pii', 'card_tokens payment_methods chargebacks refunds'],
  [
    'finance',
    'ledger',
    'finance',
    'general_ledger accounts_payable accounts_receivable journal_entries cost_centers bank_statements',
  ],
  ['finance', 'planning', 'finance', 'budget forecast headcount_cost margin_targets'],
  ['hr', 'core', 'hr', 'employees salaries contracts performance_reviews absences applicants'],
  ['ml', 'features', 'none', 'store_features product_embeddings demand_features basket_features click_features'],
  ['ml', 'inference', 'none', 'forecast_log recommend_log drift_metrics payload_log'],
  ['sandbox', 'shared', 'none', 'scratch_orders scratch_web scratch_geo experiments_tmp pivot_tmp upload_test'],
  ['dev', 'sales', 'none', 'orders order_lines returns stores promotions'],
  ['dev', 'web', 'none', 'sessions page_views clicks carts'],
]

const VOLUMES: readonly string[] = [
  'main.sales.landing_files',
  'main.web.exports',
  'customer.support.attachments',
  'ml.features.images',
  'finance.ledger.statements',
  'sandbox.shared.uploads',
  'staging.raw_orders.dropzone',
]

const BUCKETS: Readonly<Record<string, string>> = { dev: 's3://halden-dev-uc', sandbox: 's3://halden-dev-uc' }

/** The bucket the production metastore lives in. */
export const PROD_BUCKET = 's3://halden-prod-uc'

/** Makes tables and volumes. */
export function makeDataEstate(random: Random): DataEstate {
  const tables = LAYOUT.flatMap(([catalog, schema, sensitivity, names]) =>
    names.split(' ').map((name): Table => {
      const id = random.uuid()
      const url = `${BUCKETS[catalog] ?? PROD_BUCKET}/__unitystorage/catalogs/${catalog}/tables/${id}`
      return { id, catalog, schema, name, full: `${catalog}.${schema}.${name}`, url, sensitivity }
    }),
  )
  const kept = (sensitivity: Sensitivity) => tables.filter((table) => table.sensitivity === sensitivity)
  return {
    tables,
    open: kept('none'),
    pii: kept('pii'),
    finance: kept('finance'),
    hr: kept('hr'),
    volumes: VOLUMES.map((full) => {
      const id = random.uuid()
      return { id, full, url: `${PROD_BUCKET}/__unitystorage/volumes/${id}` }
    }),
    schemas: LAYOUT.map(([catalog, schema]) => [catalog, schema]),
  }
}
