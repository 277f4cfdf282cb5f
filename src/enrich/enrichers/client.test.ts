import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { litOrNull } from '../../engine/sql.ts'
import { CLIENT_FAMILIES, client } from './client.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 1 })
})
afterAll(() => engine.close())

const familyOf = async (agent: string | null): Promise<unknown> =>
  (await engine.row(`SELECT ${client.fact('agent')} AS family FROM (SELECT ${litOrNull(agent)}::VARCHAR AS agent)`))
    .family

const CASES: readonly (readonly [string, string])[] = [
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
    'browser',
  ],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0', 'browser'],
  [
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36',
    'automated_browser',
  ],
  ['Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.4894', 'http_library'],
  ['cli/0.268.0 databricks-sdk-go/0.82.0 go/1.24.4 os/darwin cmd/jobs_run-now auth/databricks-cli', 'cli'],
  ['databricks-cli-0.17.7-clusters-list', 'cli'],
  ['databricks-sdk-py/0.67.0 python/3.11.9 os/linux auth/oauth-m2m', 'sdk'],
  ['databricks-sdk-py/0.67.0 python/3.11.9 os/linux auth/databricks-cli', 'sdk'],
  ['databricks-sdk-java/0.32.0 jvm/17.0.11 os/linux', 'sdk'],
  ['databricks-apps/1.0 databricks-sdk-py/0.65.0 python/3.11.6', 'sdk'],
  ['databricks-tf-provider/1.91.0 databricks-sdk-go/0.82.0 go/1.24.4 os/linux terraform/1.13.1', 'terraform'],
  ['pulumi-databricks/1.40 databricks-sdk-go/0.42.0', 'terraform'],
  ['databricks-vscode/2.10.3 databricks-sdk-js/0.4.2 nodejs/22.19.0 os/windows auth/databricks-cli', 'ide'],
  ['DatabricksJDBCDriverOSS/1.0.10 DBeaver/25.2.1', 'ide'],
  ['DatabricksJDBC/2.7.3', 'jdbc_odbc'],
  ['SimbaSparkJDBCDriver/2.6.34', 'jdbc_odbc'],
  ['Microsoft SparkODBCDriver/2.9.1.1001 Thrift/0.17 PowerBI Desktop/2.147', 'bi_tool'],
  ['DatabricksJDBC/2.7.3 Looker', 'bi_tool'],
  ['SimbaSparkODBC/2.9.1 Microsoft Excel/16.0', 'bi_tool'],
  ['Tableau/2024.1 DatabricksODBCDriver/2.7.5', 'bi_tool'],
  ['PyDatabricksSqlConnector/3.1.2', 'sql_connector'],
  ['NodejsDatabricksSqlConnector/1.8.4 (Node.js 20.10.0; linux x64)', 'sql_connector'],
  ['godatabrickssqlconnector/1.5.5', 'sql_connector'],
  ['PyDatabricksSqlConnector/3.0.1 (dbt-databricks/1.8.0)', 'connector'],
  ['Fivetran/1.0 DatabricksJDBC/2.7.1', 'connector'],
  ['apache-airflow/2.9.1 databricks-provider/6.4.0', 'connector'],
  ['Collibra-Edge/2025.10 DatabricksJDBC/2.7.3', 'connector'],
  ['Microsoft-Azure-DataFactory/1.0', 'connector'],
  ['Delta-Sharing-Python/1.3.2 pandas/2.2', 'delta_sharing'],
  ['Delta-Sharing-Spark/3.1.0 Spark/3.5', 'delta_sharing'],
  ['databricks-connect/16.4.4 python/3.12.10 os/linux databricks-sdk-py/0.67.0', 'spark_connect'],
  ['_SPARK_CONNECT_PYTHON spark/3.5.0 os/linux python/3.11.4', 'spark_connect'],
  ['mlflow-python-client/2.14.1', 'mlflow'],
  ['Apache-HttpClient/4.5.13 (Java/1.8.0_392) Databricks-Service/driver', 'internal'],
  ['Apache-Spark/3.5.0 databricks-runtime/15.4', 'internal'],
  ['Apache-HttpClient/4.5.13 (Java/17.0.9)', 'http_library'],
  ['python-requests/2.32.3', 'http_library'],
  ['curl/8.5.0', 'http_library'],
  ['Go-http-client/2.0', 'http_library'],
  ['PostmanRuntime/7.39.0', 'http_library'],
  ['okhttp/4.12.0', 'http_library'],
  ['Microsoft.Azure.SyncFabric/1.0', 'identity_sync'],
  ['TruffleHog/3.90.8', 'scanner'],
  ['sqlmap/1.8 (https://sqlmap.org)', 'scanner'],
  ['something-of-our-own/1.0', 'unknown'],
]

it.each(CASES)('%s is %s', async (agent, family) => {
  expect(await familyOf(agent)).toBe(family)
})

it('says nothing where no user agent is logged', async () => {
  expect(await familyOf(null)).toBeNull()
  expect(await familyOf('')).toBeNull()
  expect(await familyOf(' ')).toBeNull()
})

it('has an example here of every family', () => {
  const shown = new Set(CASES.map(([, family]) => family))
  expect([...shown].sort()).toEqual([...CLIENT_FAMILIES.map(({ family }) => family), 'unknown'].sort())
})
