/** Programs people use beside the browser: command line, editors, SQL clients, spreadsheets. */
import { created } from '../event.ts'
import type { Thread } from '../thread.ts'
import type { Desk, Tool } from './contract.ts'
import { readTable, selectFrom, statement } from './queries.ts'

function queries(thread: Thread, { warehouse, tables }: Desk): void {
  const { random } = thread
  for (let i = random.int(1, 8); i > 0; i--) {
    const table = random.pickEarly(tables)
    statement(thread, warehouse, selectFrom(table, random), [table])
    thread.wait(5, 120)
  }
}

const commandLine: Tool = {
  id: 'cli',
  userAgent: 'cli/0.268.0 databricks-sdk-go/0.82.0 go/1.24.4 os/darwin cmd/jobs_run-now auth/databricks-cli',
  roles: { engineer: 4, scientist: 1, contractor: 2, admin: 2 },
  play(thread, { account }) {
    const { random } = thread
    for (let i = random.int(1, 4); i > 0; i--) {
      const run_id = random.digits(15)
      if (random.chance(0.4)) {
        const params = { job_id: random.pick(account.jobs).id, idempotency_token: '' }
        thread.log('jobs', 'runNow', params, created({ run_id: Number(run_id) }))
      }
      thread.wait(2, 40).log('jobs', 'getRunOutput', { run_id, is_from_webapp: 'false' })
    }
    if (random.chance(0.3)) thread.log('workspaceFiles', 'wsfsImportFile', { path: '/Workspace/Shared/config.yaml' })
  },
}

const editor: Tool = {
  id: 'vscode',
  userAgent: 'databricks-vscode/2.10.3 databricks-sdk-js/0.4.2 nodejs/22.19.0 os/windows auth/databricks-cli',
  roles: { engineer: 3, scientist: 2, contractor: 2 },
  play(thread, { clusterId, person, tables }) {
    const { random } = thread
    const path = `/Workspace/Users/${person.email}/.bundle/dev/files/main.py`
    for (let i = random.int(2, 7); i > 0; i--) thread.wait(5, 200).log('workspaceFiles', 'wsfsStreamingWrite', { path })
    if (random.chance(0.3)) thread.log('clusters', 'start', { cluster_id: clusterId })
    readTable(thread, random.pickEarly(tables))
  },
}

const connect: Tool = {
  id: 'databricks-connect',
  userAgent: 'databricks-connect/16.4.4 python/3.12.10 os/linux databricks-sdk-py/0.67.0',
  roles: { scientist: 3, engineer: 2 },
  play(thread, { tables }) {
    for (let i = thread.random.int(2, 8); i > 0; i--) readTable(thread.wait(2, 60), thread.random.pickEarly(tables))
  },
}

const client: Tool = {
  id: 'sql-client',
  userAgent: 'DatabricksJDBCDriverOSS/1.0.10 DBeaver/25.2.1',
  roles: { analyst: 3, engineer: 1, contractor: 1 },
  play: queries,
}

const powerBi: Tool = {
  id: 'powerbi-desktop',
  userAgent: 'Microsoft SparkODBCDriver/2.9.1.1001 Thrift/0.17 PowerBI Desktop/2.147',
  roles: { bi: 4, analyst: 1, finance: 1 },
  play: queries,
}

const spreadsheet: Tool = {
  id: 'excel',
  userAgent: 'SimbaSparkODBC/2.9.1 Microsoft Excel/16.0',
  roles: { finance: 3, hr: 1 },
  play: queries,
}

/** Tools of this file. */
export const DESKTOP_TOOLS: readonly Tool[] = [commandLine, editor, connect, client, powerBi, spreadsheet]
