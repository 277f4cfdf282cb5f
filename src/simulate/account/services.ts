/** Service principals: the machines that make most of the traffic. */
import type { Principal } from '../event.ts'
import type { Random } from '../random.ts'
import { CLOUD_EGRESS } from './networks.ts'

/** What a service principal is for. */
export type Purpose = 'job' | 'bi' | 'dbt' | 'terraform' | 'scim' | 'ci' | 'serving' | 'app' | 'ingest' | 'monitor'

/** One service principal; its application id stands where people have their e-mail. */
export interface ServicePrincipal extends Principal {
  /** The application id, a UUID. */
  readonly email: string
  readonly name: string
  readonly userId: string
  readonly purpose: Purpose
  readonly ip: string
  readonly userAgent: string
  /** Part of the machine traffic that is nobody's job run: token logins, metadata reads. */
  readonly chatter: number
}

const SDK = 'databricks-sdk-py/0.67.0 python/3.11.9 os/linux auth/oauth-m2m'

const LIST: readonly (readonly [string, Purpose, string, number])[] = [
  ['sp-etl-orders', 'job', SDK, 8],
  ['sp-etl-customers', 'job', SDK, 8],
  ['sp-etl-inventory', 'job', SDK, 7],
  ['sp-etl-finance', 'job', SDK, 5],
  ['sp-etl-web-events', 'job', SDK, 9],
  ['sp-etl-marketing', 'job', SDK, 5],
  ['sp-etl-supply', 'job', SDK, 4],
  ['sp-etl-hr', 'job', SDK, 1],
  ['sp-ml-forecast', 'job', SDK, 3],
  ['sp-ml-recommend', 'job', SDK, 3],
  ['sp-dq-checks', 'monitor', SDK, 4],
  ['sp-powerbi-gateway', 'bi', 'Microsoft SparkODBCDriver/2.9.1.1001 Thrift/0.17 PowerBI', 12],
  ['sp-tableau-server', 'bi', 'SimbaSparkODBC/2.8.2.1013 Tableau/2025.2', 8],
  ['sp-looker', 'bi', 'DatabricksJDBC/2.7.3 Looker', 5],
  ['sp-dbt-cloud', 'dbt', 'dbt-databricks/1.10.12 PyDatabricksSqlConnector/4.1.2', 7],
  [
    'sp-terraform',
    'terraform',
    'databricks-tf-provider/1.91.0 databricks-sdk-go/0.82.0 go/1.24.4 os/linux terraform/1.13.1',
    1,
  ],
  ['sp-scim-sync', 'scim', 'Okta-SCIM-Client/1.0.0', 1],
  ['sp-ci-deploy', 'ci', 'cli/0.268.0 databricks-sdk-go/0.82.0 go/1.24.4 os/linux cmd/bundle_deploy auth/oauth-m2m', 2],
  ['sp-serving-recommend', 'serving', 'databricks-model-serving/1.0 python/3.10.12', 4],
  ['sp-store-app', 'app', 'databricks-apps/1.0 databricks-sdk-py/0.65.0 python/3.11.6', 3],
  ['sp-fivetran', 'ingest', 'Fivetran/1.0 DatabricksJDBC/2.7.1', 5],
  ['sp-airflow', 'ci', 'databricks-airflow/7.7.1 apache-airflow/3.0.6 python/3.12.4', 6],
  ['sp-datadog', 'monitor', 'Datadog-Databricks-Integration/1.4 databricks-sdk-py/0.61.0', 5],
  ['sp-collibra', 'monitor', 'Collibra-Edge/2025.10 DatabricksJDBC/2.7.3', 4],
  ['sp-backup', 'job', 'databricks-sdk-py/0.60.0 python/3.10.14 os/linux auth/oauth-m2m', 1],
]

/** Makes the service principals. */
export function makeServices(random: Random): readonly ServicePrincipal[] {
  return LIST.map(([name, purpose, userAgent, chatter], i) => ({
    email: random.uuid(),
    subject: null,
    name,
    userId: random.digits(16),
    purpose,
    ip: CLOUD_EGRESS[i % CLOUD_EGRESS.length] as string,
    userAgent,
    chatter,
  }))
}

/** The platform itself: scheduled runs, scaling, clean-up. */
export const SYSTEM_USER: Principal = { email: 'System-User', subject: null }

/** Who is behind events that name nobody. */
export const UNKNOWN_USER: Principal = { email: 'unknown', subject: null }

/** A failed login: the name stands only in the parameters. */
export const NOBODY: Principal = { email: null, subject: null }
