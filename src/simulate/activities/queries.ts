/** SQL on warehouses: by analysts in the editor, by BI tools, by connectors. */
import type { Account } from '../account/account.ts'
import type { Table } from '../account/data.ts'
import type { Warehouse } from '../account/objects.ts'
import { failed, OK } from '../event.ts'
import type { Random } from '../random.ts'
import type { Thread } from '../thread.ts'
import type { Work } from './contract.ts'

const COLUMNS = 'order_id store_id product_id order_date quantity net_amount channel region status updated_at'.split(
  ' ',
)

/** A SELECT over a table, as people and tools write them. */
export function selectFrom(table: Table, random: Random): string {
  const [a, b, c] = random.sample(COLUMNS, 3) as [string, string, string]
  const day = `2026-${String(random.int(1, 11)).padStart(2, '0')}-${String(random.int(1, 28)).padStart(2, '0')}`
  switch (random.next() % 5) {
    case 0:
      return `SELECT * FROM ${table.full} LIMIT 1000`
    case 1:
      return `SELECT ${a}, COUNT(*) AS n FROM ${table.full} WHERE ${b} >= '${day}' GROUP BY ${a} ORDER BY n DESC LIMIT 100`
    case 2:
      return `SELECT date_trunc('week', ${a}) AS week, SUM(${b}) AS total, AVG(${c}) AS mean\nFROM ${table.full}\nWHERE region IN ('EMEA', 'APAC') AND ${c} IS NOT NULL\nGROUP BY 1\nORDER BY 1`
    case 3:
      return `WITH base AS (SELECT ${a}, ${b}, ${c} FROM ${table.full} WHERE updated_at > '${day}') SELECT ${a}, max(${b}) - min(${b}) AS span FROM base GROUP BY ${a} HAVING count(*) > 10`
    default:
      return `SELECT DISTINCT ${a} FROM ${table.full} WHERE ${b} = '${day}'`
  }
}

/** Reads a table through Unity Catalog: metadata, then a temporary credential for its files. */
export function readTable(thread: Thread, table: Table): void {
  thread.uc('getTable', { include_delta_metadata: 'true', full_name_arg: table.full, dependent: 'false' })
  vend(thread, table, 'READ')
}

/** A temporary credential for a table's files. */
export function vend(thread: Thread, table: Table, operation: 'READ' | 'READ_WRITE'): void {
  thread.uc('generateTemporaryTableCredential', {
    table_id: table.id,
    table_full_name: table.full,
    operation,
    is_permissions_enforcing_client: 'true',
    credential_type: 'StorageCredential',
    credential_id: table.id.replace(/^.{8}/, '5c3be1a0'),
    table_url: table.url,
  })
}

/** One statement on a warehouse: submit, catalog reads, finish (one in fifty fails). */
export function statement(thread: Thread, warehouse: Warehouse, text: string, tables: readonly Table[]): void {
  const { random } = thread
  const commandId = random.uuid()
  thread.log('databrickssql', 'commandSubmit', { commandText: text, warehouseId: warehouse.id, commandId })
  for (const table of tables) readTable(thread, table)
  const broken = random.next() % 50 === 0
  thread.wait(0.3, 14)
  thread.log(
    'databrickssql',
    'commandFinish',
    { warehouseId: warehouse.id, commandId },
    broken
      ? failed(400, `[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name \`total_net\` cannot be resolved.`)
      : OK,
  )
}

/** One refresh of a BI tool: a connection and a handful of statements. */
export function biRefresh(thread: Thread, account: Account, tables: readonly Table[]): void {
  const { random } = thread
  const warehouse = account.warehouses[0] as Warehouse
  thread.log('accounts', 'oidcTokenAuthorization', {
    user: thread.session.who.email as string,
    authenticationMethod: 'OAUTH_CLIENT_CREDENTIALS',
  })
  for (let i = random.int(2, 7); i > 0; i--) {
    const table = random.pickEarly(tables)
    statement(thread, warehouse, selectFrom(table, random), [table])
    thread.wait(0.2, 6)
  }
}

/** The SQL editor: open, edit, run, save, sometimes download. */
const editor: Work = {
  id: 'sql-editor',
  roles: { analyst: 6, bi: 4, finance: 6, hr: 4, engineer: 2, scientist: 2, contractor: 2, admin: 1 },
  play(thread, { account, warehouse, tables }) {
    const { random } = thread
    const queryId = random.uuid()
    thread.log('databrickssql', 'createQueryDraft', { queryId })
    thread.uc('listTables', {
      catalog_name: (tables[0] as Table).catalog,
      schema_name: (tables[0] as Table).schema,
      include_browse: 'true',
    })
    for (let i = random.int(1, 6); i > 0; i--) {
      const table = random.pickEarly(tables)
      thread.log('databrickssql', 'updateQueryDraft', { queryId })
      const fast = random.chance(0.3)
      thread.log('databrickssql', fast ? 'executeFastQuery' : 'executeAdhocQuery', {
        [fast ? 'DataSourceId' : 'dataSourceId']: (account.warehouses[1] as Warehouse).id,
      })
      statement(thread, warehouse, selectFrom(table, random), [table])
      thread.wait(20, 240)
    }
    if (random.chance(0.4)) thread.log('databrickssql', 'createQuery', { queryId })
    if (random.chance(0.12)) {
      thread.log('databrickssql', 'downloadQueryResult', {
        queryId,
        queryResultId: random.uuid(),
        fileType: random.pick(['csv', 'xlsx', 'arrows', 'arrows']),
      })
    }
  },
}

/** Works of this file. */
export const QUERY_WORKS: readonly Work[] = [editor]
