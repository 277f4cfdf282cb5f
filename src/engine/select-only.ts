/**
 * The gate of the sandbox: reads a statement's syntax tree, as the engine parses it, and lets pass one SELECT over known
 * relations with harmless functions. File access, writes and settings are switched off in the engine besides; the gate
 * is there because some table functions change the engine when merely selected from (logging and profiling do), some
 * reveal where the lake lies, and EXPLAIN ANALYZE runs whatever stands behind it.
 */
import { AppError } from '../core/errors.ts'
import type { Engine } from './duckdb.ts'
import { lit } from './sql.ts'

/** Longer statements are refused: their syntax tree is some hundred times as long. */
export const MAX_SQL_CHARS = 100_000

/** Names a statement may and may not use. */
export interface Gate {
  /** Lower-case names of the relations. */
  readonly relations: ReadonlySet<string>
  /** Lower-case names of the engine's own views, which no common table expression may take. */
  readonly catalogViews: ReadonlySet<string>
}

/** Table functions that make rows out of their arguments only. */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  'generate_series',
  'json_each',
  'json_tree',
  'range',
  'repeat',
  'repeat_row',
  'unnest',
])

/** Functions in expressions that tell of the engine or its host, change the session, or take internal byte formats. */
export const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set([
  'col_description',
  'combine',
  'current_query',
  'current_setting',
  'currval',
  'finalize',
  'format_type',
  'get_block_size',
  'getenv',
  'getvariable',
  'json_deserialize_sql',
  'json_execute_serialized_sql',
  'json_serialize_plan',
  'json_serialize_sql',
  'nextval',
  'obj_description',
  'parse_duckdb_log_message',
  'pg_get_constraintdef',
  'pg_get_expr',
  'pg_get_viewdef',
  'pg_sleep',
  'query',
  'query_table',
  'setseed',
  'shobj_description',
  'sleep_ms',
  'stats',
  'variant_bytes_to_variant',
  'write_log',
])
const REFUSED_PREFIXES = ['__internal', 'duckdb_', 'inet_', 'pragma_']

/** What SHOW may list: the relations. */
const SHOWN = new Set(['"tables"', '__show_tables_expanded'])

type Node = Readonly<Record<string, unknown>>
type Tree =
  | { readonly error: false; readonly statements: readonly Node[] }
  | { readonly error: true; readonly error_type: string; readonly error_message: string; readonly position?: string }

/** Reads the names the gate needs from an engine whose relations are in place. */
export async function gateOf(engine: Engine, relations: readonly string[]): Promise<Gate> {
  const views = await engine.rows<{ name: string }>(
    "SELECT lower(view_name) AS name FROM duckdb_views() WHERE internal AND schema_name <> 'information_schema'",
  )
  return {
    relations: new Set(relations.map((name) => name.toLowerCase())),
    catalogViews: new Set(views.map((view) => view.name)),
  }
}

/** A statement that may run. */
export interface CheckedSelect {
  /** The statement without what would hinder it from standing in parentheses: semicolons and comments at its end. */
  readonly subquery: string
  /** True for EXPLAIN, DESCRIBE, SUMMARIZE and SHOW: their answers are small, and not all of them can be a subquery. */
  readonly small: boolean
}

/** Throws BAD_SQL where the text does not parse and SQL_REFUSED where it is not for the sandbox. */
export async function checkSelect(engine: Engine, sql: string, gate: Gate): Promise<CheckedSelect> {
  if (sql.includes('\0')) throw new AppError('BAD_SQL', 'The statement contains a NUL character.')
  if (sql.length > MAX_SQL_CHARS) {
    throw new AppError('SQL_REFUSED', `The statement is longer than ${MAX_SQL_CHARS} characters.`)
  }
  const select = withoutExplain(sql)
  const { tree } = await engine.row<{ tree: string }>(`SELECT json_serialize_sql(${lit(select)}) AS tree`)
  const parsed = JSON.parse(tree) as Tree
  if (parsed.error) throw unparsed(parsed, select)
  if (parsed.statements.length !== 1) {
    throw new AppError(
      parsed.statements.length === 0 ? 'BAD_SQL' : 'SQL_REFUSED',
      parsed.statements.length === 0 ? 'There is no statement.' : 'Only one statement runs at a time.',
    )
  }
  checkNodes(parsed.statements, gate)
  const root = parsed.statements[0]?.node as Node | undefined
  const small = select !== sql || (root?.from_table as Node | undefined)?.type === 'SHOW_REF'
  return { subquery: small ? sql : await subqueryOf(engine, sql, tree), small }
}

/** The text as it is where it can stand in parentheses, else as the engine writes its syntax tree. */
async function subqueryOf(engine: Engine, sql: string, tree: string): Promise<string> {
  const text = sql.replace(/[\s;]+$/, '')
  const wrapped = `SELECT * FROM (\n${text}\n)`
  const check = await engine.row<{ bad: boolean }>(
    `SELECT (json_serialize_sql(${lit(wrapped)})->>'error')::BOOLEAN AS bad`,
  )
  if (!check.bad) return text
  const { written } = await engine.row<{ written: string }>(`SELECT json_deserialize_sql(${lit(tree)}) AS written`)
  return written
}

/** `EXPLAIN x` stands or falls with x; what follows ANALYZE or an option list is no SELECT and so is refused. */
const withoutExplain = (sql: string): string => sql.replace(/^(?:\s|--[^\n]*\n|\/\*[^*]*\*\/)*explain\b/i, '')

function unparsed(tree: Tree & { error: true }, sql: string): AppError {
  if (tree.error_type !== 'parser') return new AppError('SQL_REFUSED', refusal(sql))
  const before = sql.slice(0, Number(tree.position ?? 0)).split('\n')
  const place =
    tree.position === undefined ? '' : ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`
  // EXPLAIN's leftovers and statements the parser knows only elsewhere end here too.
  const word = /^\s*(\w+)/.exec(sql)?.[1]?.toLowerCase() ?? ''
  if (word === 'analyze') return new AppError('SQL_REFUSED', 'EXPLAIN ANALYZE is not available; EXPLAIN is.')
  return new AppError('BAD_SQL', `${tree.error_message}${place}`)
}

function refusal(sql: string): string {
  const word = /^[\s(]*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? 'This'
  return word === 'PIVOT'
    ? 'PIVOT runs only with its values listed: PIVOT … ON column IN (value, …).'
    : `${word} is not allowed: queries only read.`
}

function checkNodes(statements: readonly Node[], gate: Gate): void {
  const withNames = new Set<string>()
  const nodes: Node[] = []
  const pending: unknown[] = [...statements]
  while (pending.length > 0) {
    const value = pending.pop()
    if (Array.isArray(value)) {
      for (const item of value) pending.push(item)
    } else if (value !== null && typeof value === 'object') {
      const node = value as Node
      nodes.push(node)
      for (const key of cteNames(node)) withNames.add(key)
      for (const item of Object.values(node)) pending.push(item)
    }
  }
  for (const node of nodes) checkNode(node, gate, withNames)
}

function cteNames(node: Node): string[] {
  const entries = (node.cte_map as { map?: readonly { key: string }[] } | undefined)?.map ?? []
  return entries.map((entry) => entry.key.toLowerCase())
}

function checkNode(node: Node, gate: Gate, withNames: ReadonlySet<string>): void {
  const type = node.type
  if (type === 'BASE_TABLE') checkTable(node, gate, withNames)
  else if (type === 'TABLE_FUNCTION') checkTableFunction(node)
  else if (type === 'SHOW_REF') checkShow(node)
  else if (type === 'VALUE_PARAMETER') throw new AppError('BAD_SQL', 'Parameters (? and $1) are not available.')
  if (typeof node.function_name === 'string') checkFunction(node.function_name.toLowerCase())
}

function checkTable(node: Node, gate: Gate, withNames: ReadonlySet<string>): void {
  const name = String(node.table_name).toLowerCase()
  const schema = String(node.schema_name ?? '').toLowerCase()
  const catalog = String(node.catalog_name ?? '').toLowerCase()
  const ours = (schema === '' || schema === 'main') && (catalog === '' || catalog === 'memory')
  if (ours && gate.relations.has(name)) return
  // A WITH name counts wherever it stands, so it must be one that means nothing to the engine outside its scope.
  const plain = schema === '' && catalog === '' && /^[\p{L}\p{N}_ ]+$/u.test(name)
  if (plain && withNames.has(name) && !gate.catalogViews.has(name)) return
  throw new AppError('SQL_REFUSED', `There is no table ${[catalog, schema, name].filter(Boolean).join('.')} here.`, {
    hint: `The tables are ${[...gate.relations].join(', ')}; files and system tables cannot be read.`,
  })
}

function checkTableFunction(node: Node): void {
  const name = String((node.function as Node | undefined)?.function_name ?? '').toLowerCase()
  if (TABLE_FUNCTIONS.has(name)) return
  throw new AppError('SQL_REFUSED', `The table function ${name} is not available here.`)
}

function checkShow(node: Node): void {
  if (node.query !== null && node.query !== undefined) return
  if (node.show_type === 'SHOW_UNQUALIFIED' && SHOWN.has(String(node.table_name))) return
  throw new AppError('SQL_REFUSED', 'SHOW lists tables only: use SHOW TABLES or DESCRIBE.')
}

function checkFunction(name: string): void {
  if (!REFUSED_FUNCTIONS.has(name) && !REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix))) return
  throw new AppError('SQL_REFUSED', `The function ${name} is not available here.`)
}
