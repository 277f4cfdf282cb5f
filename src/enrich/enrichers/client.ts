/** Client family, from the user agent. First match wins, so the telling names stand before the libraries under them. */
import { lit } from '../../engine/sql.ts'
import type { Enricher } from '../contract.ts'

/** Family → lower-case texts that give it away, in the order they are tried. */
export const CLIENT_FAMILIES: readonly (readonly [family: string, marks: readonly string[]])[] = [
  ['scanner', ['trufflehog', 'sqlmap', 'nuclei', 'nikto']],
  ['terraform', ['terraform', 'databricks-tf-', 'pulumi']],
  ['cli', ['databricks-cli', 'cmd/', 'databrickscli']],
  ['bi_tool', ['powerbi', 'power bi', 'tableau', 'looker', 'thoughtspot', 'qlik', 'sigma', 'metabase', 'superset']],
  ['connector', ['dbt', 'airflow', 'fivetran', 'prefect', 'dagster', 'hightouch', 'delta-sharing', 'mlflow-']],
  ['jdbc_odbc', ['jdbc', 'odbc', 'simbaspark']],
  ['sql_connector', ['sqlconnector', 'databricks-sql-', 'databrickssql']],
  ['sdk', ['databricks-sdk', 'databricks-connect', 'databricks-vscode']],
  ['browser', ['mozilla/', 'applewebkit', 'chrome/', 'safari/']],
  [
    'http_library',
    [
      'python-requests',
      'python-urllib',
      'aiohttp',
      'httpx',
      'curl/',
      'wget/',
      'go-http-client',
      'apache-httpclient',
      'okhttp',
      'axios',
      'node-fetch',
      'java/',
      'postman',
      'ruby',
    ],
  ],
  ['internal', ['databricks-service', 'databricks-runtime', 'apache-spark', 'armeria', 'spark/', 'rpc-', 'grpc']],
]

/** Client family. */
export const client: Enricher = {
  name: 'client',
  doc: 'Client family from the user agent: browser, CLI, SDK, JDBC/ODBC, Terraform, connectors.',
  input: 'user_agent',
  output: 'client',
  type: 'VARCHAR',
  join: () => '',
  fact: (value) => {
    const lower = `lower(${value})`
    const branches = CLIENT_FAMILIES.map(
      ([family, marks]) =>
        `WHEN ${marks.map((mark) => `contains(${lower}, ${lit(mark)})`).join(' OR ')} THEN ${lit(family)}`,
    )
    return `CASE WHEN coalesce(${value}, '') = '' THEN NULL ${branches.join(' ')} ELSE 'unknown' END`
  },
}
