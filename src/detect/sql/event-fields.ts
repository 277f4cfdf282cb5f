/**
 * Fields of events. A rule may use the names of the records as they are delivered (`serviceName`, `requestParams.user_id`,
 * `response.statusCode`, in camel case or with underscores), and the columns of the event (`category`, `actor.email`,
 * `targets.name`), and what is worked out of them (`derived.…`). Case does not matter, except between parameters that differ in
 * nothing else.
 */
import { type Column, type ColumnType, EVENT_COLUMNS } from '../../core/event.ts'
import { derivedField } from './derived-fields.ts'
import type { Dialect } from './dialect.ts'
import { PARAM_KEYS, PARAMS, paramField, paramsField } from './event-params.ts'
import type { NamedValue, Operand, OperandType, RecordShape } from './fields.ts'

/** Names of delivered records, and the column each is. Case and underscores are not told apart. */
const RAW_NAMES: Readonly<Record<string, string>> = {
  servicename: 'service',
  actionname: 'action',
  sourceipaddress: 'source_ip',
  sourceip: 'source_ip',
  useragent: 'user_agent',
  sessionid: 'session_id',
  requestid: 'request_id',
  accountid: 'account_id',
  workspaceid: 'workspace_id',
  orgid: 'workspace_id',
  auditlevel: 'audit_level',
  timestamp: 'event_time',
  eventtime: 'event_time',
  eventdate: 'event_date',
  'useridentity.email': 'actor.email',
  'useridentity.subjectname': 'actor.name',
  'identitymetadata.runby': 'actor.run_by',
  'identitymetadata.runas': 'actor.run_as',
  'identitymetadata.actingresource': 'actor.acting_resource',
  'response.statuscode': 'status_code',
  'response.errormessage': 'error_message',
  'response.result': 'response_result',
}

/** Names whose further parts are looked up in a map or in JSON. */
const OPEN_NAMES: Readonly<Record<string, 'request_params' | 'response_result' | 'extra'>> = {
  requestparams: 'request_params',
  'response.result': 'response_result',
  responseresult: 'response_result',
  extra: 'extra',
}

/** What is looked at first: of few values each, and enough to leave few rules for most events. */
const GATE: readonly string[] = [
  'service',
  'action',
  'audit_level',
  'category',
  'verb',
  'key_event',
  'status',
  'status_code',
  'actor.type',
]

/** Values that many events have in common: who did it, from where and with what, and by which way it was delivered. */
const CONTEXT: readonly string[] = [
  'source',
  'form',
  'cloud',
  'account_id',
  'workspace_id',
  'actor.id',
  'actor.name',
  'actor.email',
  'actor.identity_provider',
  'actor.run_by',
  'actor.run_as',
  'source_ip',
  'user_agent',
  'client',
  'geo.country',
  'geo.region',
  'geo.city',
  'geo.asn',
  'geo.as_org',
  'geo.scope',
  'status_reason',
  'redactions',
]

/** Texts of an event that are its own words; ids that we made up and provenance are not. */
const TEXT_COLUMNS: readonly string[] = [
  'service',
  'action',
  'actor.email',
  'actor.name',
  'actor.run_by',
  'actor.run_as',
  'actor.acting_resource',
  'session_id',
  'request_id',
  'source_ip',
  'user_agent',
  'status_code',
  'error_message',
  'response_result',
  'account_id',
  'workspace_id',
]

const squeezed = (name: string): string => name.toLowerCase().replaceAll('_', '')

/** Events as the lake has them. */
export function eventShape(dialect: Dialect): RecordShape {
  const columns = columnOperands(dialect)
  const bySqueezed = new Map([...columns].map(([name, operand]) => [squeezed(name), operand]))
  const column = (name: string): Operand | undefined => columns.get(name)
  const textOf = (name: string): string => {
    const operand = column(name)
    return operand?.type === 'text' ? operand.sql : dialect.asText(operand?.sql ?? 'NULL')
  }
  const field = (name: string): Operand | undefined => {
    const key = squeezed(name)
    const known = bySqueezed.get(RAW_NAMES[key] === undefined ? key : squeezed(RAW_NAMES[key]))
    return known ?? derivedField(name, dialect) ?? openField(name, dialect)
  }
  const named = (name: string, as: (name: string) => string): NamedValue => ({
    name: as(name),
    sql: column(name)?.sql ?? 'NULL',
    columns: column(name)?.columns ?? [],
  })
  return {
    ids: { event_id: 'VARCHAR', event_time: 'TIMESTAMPTZ' },
    field,
    recordText: {
      type: 'text',
      sql: dialect.lines([
        ...TEXT_COLUMNS.map(textOf),
        dialect.joinTexts(dialect.mapValues(PARAMS), dialect.text('\n')),
        dialect.jsonLeaves(dialect.asJson('extra')),
      ]),
      present: 'true',
      columns: [...new Set([...TEXT_COLUMNS.map((name) => name.split('.')[0] ?? name), PARAMS, 'extra'])],
      isColumn: false,
    },
    gate: GATE.map((name) => named(name, gateName)),
    context: CONTEXT.map((name) => named(name, contextName)),
    shared: { [PARAM_KEYS]: { sql: dialect.mapFoldedKeys(PARAMS), columns: [PARAMS] } },
  }
}

const gateName = (name: string): string => `gate_${name.replace('.', '_')}`
const contextName = (name: string): string => `context_${name.replace('.', '_')}`

/** Every column and every member of structs, by name with dots. */
function columnOperands(dialect: Dialect): Map<string, Operand> {
  const operands = new Map<string, Operand>()
  const add = (name: string, type: OperandType, sql: string, isColumn: boolean): void => {
    const gate = GATE.includes(name) ? { gate: gateName(name), context: gateName(name) } : {}
    const context = CONTEXT.includes(name) ? { context: contextName(name) } : {}
    const [top = name] = name.split('.')
    const present = type === 'texts' ? `NOT (${dialect.isEmpty(sql)})` : `${sql} IS NOT NULL`
    operands.set(name, { type, sql, present, columns: [top], isColumn, ...gate, ...context })
  }
  const members = (
    name: string,
    list: readonly Column[],
    sqlOf: (member: Column) => [OperandType, string] | undefined,
  ) => {
    for (const member of list) {
      const found = sqlOf(member)
      if (found !== undefined) add(`${name}.${member.name}`, found[0], found[1], found[0] !== 'texts')
    }
  }
  for (const { name, type } of EVENT_COLUMNS) {
    const sql = dialect.identifier(name)
    const scalar = scalarType(type)
    if (type === 'date') add(name, 'text', dialect.asText(sql), false)
    else if (scalar !== undefined) add(name, scalar, sql, true)
    else if (typeof type === 'object' && 'struct' in type) {
      members(name, type.struct, (member) => {
        const inner = scalarType(member.type) ?? (isTextList(member.type) ? 'texts' : undefined)
        return inner && [inner, `${sql}.${dialect.identifier(member.name)}`]
      })
    } else if (isTextList(type)) add(name, 'texts', sql, true)
    else if (typeof type === 'object' && 'array' in type && typeof type.array === 'object' && 'struct' in type.array) {
      members(name, type.array.struct, (member) => {
        if (scalarType(member.type) === undefined) return undefined
        const list = dialect.pluck(sql, member.name)
        return ['texts', member.type === 'string' ? list : dialect.asTexts(list)]
      })
    }
  }
  return operands
}

function scalarType(type: ColumnType): OperandType | undefined {
  if (type === 'string') return 'text'
  if (type === 'integer' || type === 'long') return 'number'
  if (type === 'boolean') return 'boolean'
  return type === 'timestamp' ? 'time' : undefined
}

const isTextList = (type: ColumnType): boolean => typeof type === 'object' && 'array' in type && type.array === 'string'

/** A parameter, a member of a JSON column, or a top-level field that events have no column for. */
function openField(name: string, dialect: Dialect): Operand {
  const steps = name.split('.')
  if (squeezed(name) === 'requestparams') return paramsField(dialect)
  for (const count of [2, 1]) {
    const open = OPEN_NAMES[squeezed(steps.slice(0, count).join('.'))]
    const rest = steps.slice(count)
    if (open === undefined || rest.length === 0) continue
    return open === 'request_params' ? paramField(rest, dialect) : jsonField(open, rest, dialect)
  }
  return jsonField('extra', steps, dialect)
}

function jsonField(column: string, steps: readonly string[], dialect: Dialect): Operand {
  const json = dialect.asJson(dialect.identifier(column))
  return {
    type: 'texts',
    sql: dialect.jsonTexts(json, steps),
    present: dialect.jsonHas(json, steps),
    columns: [column],
    isColumn: false,
  }
}
