/** Client family, from the user agent. First match wins, so the telling names stand before the libraries under them. */
import { lit } from '../../engine/sql.ts'
import type { Enricher } from '../contract.ts'

/** A family of clients and what in a user agent, in lower case, gives it away: RE2 patterns, found anywhere. */
export interface ClientFamily {
  readonly family: string
  readonly doc: string
  readonly marks: readonly string[]
}

/** Every family, in the order they are tried. */
export const CLIENT_FAMILIES: readonly ClientFamily[] = [
  {
    family: 'scanner',
    doc: 'Secret hunters and vulnerability scanners.',
    marks: ['trufflehog', 'gitleaks', 'sqlmap', 'nuclei', 'nikto', 'nmap', 'masscan', 'zgrab', 'gobuster', 'burp'],
  },
  { family: 'terraform', doc: 'Infrastructure as code.', marks: ['terraform', 'databricks-tf-', 'pulumi', 'opentofu'] },
  {
    family: 'identity_sync',
    doc: 'Identity providers that provision users and groups.',
    marks: ['okta', 'syncfabric', 'azure ?ad', 'onelogin', 'scim'],
  },
  {
    family: 'bi_tool',
    doc: 'Business intelligence, whatever driver it uses.',
    marks: [
      'power ?bi',
      'tableau',
      'looker',
      'thoughtspot',
      'qlik',
      'sigma ?computing',
      'metabase',
      'superset',
      'excel',
      'mode ?analytics',
      'hex\\.tech|^hex/',
      'microstrategy',
      'redash',
    ],
  },
  {
    family: 'connector',
    doc: 'Pipelines, orchestrators, catalogues and monitors of other makers.',
    marks: [
      '\\bdbt\\b',
      'airflow',
      'data ?factory',
      'fivetran',
      'prefect',
      'dagster',
      'hightouch',
      'census',
      'airbyte',
      'informatica',
      'collibra',
      'alation',
      'atlan',
      'immuta',
      'monte ?carlo',
      'datadog',
      'segment',
    ],
  },
  { family: 'delta_sharing', doc: 'Recipients of shares.', marks: ['delta-sharing', 'deltasharing', 'opensharing'] },
  {
    family: 'ide',
    doc: 'Editors and database tools.',
    marks: ['vscode', 'jetbrains', 'pycharm', 'intellij', 'dbeaver', 'datagrip', 'cursor/'],
  },
  { family: 'cli', doc: 'The Databricks command line.', marks: ['^cli/', '^databricks-?cli', '\\bcmd/'] },
  {
    family: 'spark_connect',
    doc: 'Code elsewhere that runs on Databricks compute.',
    marks: ['databricks-?connect', 'spark_connect', 'spark-connect', 'db_connect'],
  },
  { family: 'jdbc_odbc', doc: 'Databricks and Spark drivers.', marks: ['jdbc', 'odbc'] },
  {
    family: 'sql_connector',
    doc: 'Databricks SQL connectors for Python, Go and Node.js.',
    marks: ['databricks-?sql-?connector', 'databrickssql', 'databricks-sql-'],
  },
  { family: 'mlflow', doc: 'The MLflow client.', marks: ['mlflow'] },
  { family: 'sdk', doc: 'Databricks SDKs.', marks: ['databricks-sdk', 'databricks-apps'] },
  {
    family: 'automated_browser',
    doc: 'Browsers that no person steers.',
    marks: ['headless', 'puppeteer', 'playwright', 'selenium', 'phantomjs'],
  },
  {
    family: 'internal',
    doc: 'Databricks itself: services, runtimes, agents on the nodes.',
    marks: [
      'databricks-service',
      'databricks-runtime',
      'databricks runtime',
      'apache-spark',
      '^spark/',
      'armeria',
      'wsfs',
      '^rpc',
    ],
  },
  {
    family: 'http_library',
    doc: 'Libraries and tools for bare HTTP.',
    marks: [
      'powershell',
      'python-requests',
      'python-urllib',
      '^python',
      'aiohttp',
      'httpx',
      '^curl',
      'wget',
      'go-http-client',
      'apache-httpclient',
      'okhttp',
      'axios',
      'node-fetch',
      '^node',
      'undici',
      '^java',
      'postman',
      'insomnia',
      'guzzle',
      'reqwest',
      'libwww',
      'grpc',
      '^ruby',
      'faraday',
    ],
  },
  { family: 'browser', doc: 'Browsers.', marks: ['mozilla/', 'applewebkit', 'opera/'] },
]

/** `auth/databricks-cli` says how a client signed in, not what it is. */
const SIGN_IN = '\\bauth/\\S+'

/** Client family. */
export const client: Enricher = {
  name: 'client',
  doc: 'Client family from the user agent: browser, CLI, SDK, JDBC/ODBC, Terraform, connectors.',
  input: 'user_agent',
  output: 'client',
  type: 'VARCHAR',
  from: (relation) => `${relation} e`,
  fact: (value) => {
    const named = `regexp_replace(lower(${value}), ${lit(SIGN_IN)}, '', 'g')`
    const branches = CLIENT_FAMILIES.map(
      ({ family, marks }) => `WHEN regexp_matches(${named}, ${lit(marks.join('|'))}) THEN ${lit(family)}`,
    )
    return `CASE WHEN trim(${value}) = '' THEN NULL ${branches.join(' ')} WHEN ${value} IS NOT NULL THEN 'unknown' END`
  },
}
