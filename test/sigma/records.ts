/** JSON records as the evaluator looks at them. */
import type { Found, Subject } from './evaluator.ts'

/** A record of JSON values: names with dots are members of members or of their own, any element of a list counts. */
export function jsonSubject(record: Record<string, unknown>): Subject {
  return { lookUp: (field) => find(record, field), text: () => leaves(record).join('\n') }
}

function find(record: Record<string, unknown>, field: string): Found {
  const dotted = field.includes('.') && Object.hasOwn(record, field)
  const own = dotted ? spread([record[field]]).filter((value) => value !== null) : []
  let values: unknown[] = [record]
  let present = true
  for (const step of field.split('.')) {
    const next = values
      .flatMap((value) => (Array.isArray(value) ? value : [value]))
      .filter(
        (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, step),
      )
    present = next.length > 0
    values = next.map((value) => (value as Record<string, unknown>)[step])
  }
  return { present: present || dotted, values: [...own, ...(present ? spread(values) : [])] }
}

const spread = (values: unknown[]): unknown[] => values.flatMap((value) => (Array.isArray(value) ? value : [value]))

/** Values that hold no others, level by level. */
function leaves(value: unknown): string[] {
  const found: string[] = []
  let level: unknown[] = [value]
  while (level.length > 0) {
    const inner = level.flatMap((each) =>
      typeof each === 'object' && each !== null ? (Array.isArray(each) ? each : Object.values(each)) : [],
    )
    found.push(...inner.filter((each) => each !== null && typeof each !== 'object').map(String))
    level = inner
  }
  return found
}

/** What a delivered audit record has that rules by chance ask for. */
export interface AuditRecord {
  readonly serviceName: string
  readonly actionName: string
  readonly auditLevel: string | null
  readonly email: string | null
  readonly sourceIPAddress: string | null
  readonly userAgent: string | null
  readonly statusCode: number | null
  readonly errorMessage: string | null
  /** Values as delivered: text, nested JSON as text. */
  readonly requestParams: Readonly<Record<string, string>>
}

/** A delivered record; parameters are found by their key, or by one that differs in case only. */
export function auditSubject(record: AuditRecord): Subject {
  const columns: Record<string, unknown> = {
    serviceName: record.serviceName,
    action_name: record.actionName,
    auditLevel: record.auditLevel,
    'userIdentity.email': record.email,
    source_ip_address: record.sourceIPAddress,
    userAgent: record.userAgent,
    'response.statusCode': record.statusCode,
    'response.error_message': record.errorMessage,
  }
  const texts = [
    record.serviceName,
    record.actionName,
    record.email,
    record.sourceIPAddress,
    record.userAgent,
    record.statusCode,
    record.errorMessage,
    Object.values(record.requestParams).join('\n'),
    '',
  ]
  return {
    lookUp: (field) => {
      if (!/^request_?params\./i.test(field)) {
        const value = columns[field] ?? null
        return { present: value !== null, values: [value] }
      }
      return paramOf(record.requestParams, field.slice(field.indexOf('.') + 1).split('.'))
    },
    text: () => texts.filter((text) => text !== null).join('\n'),
  }
}

function paramOf(params: AuditRecord['requestParams'], steps: readonly string[]): Found {
  const whole = steps.join('.')
  const key = Object.hasOwn(params, whole)
    ? whole
    : Object.keys(params).find((each) => each.toLowerCase() === whole.toLowerCase())
  if (key !== undefined) return { present: true, values: [params[key]] }
  if (steps.length < 2) return { present: false, values: [] }
  const outer = paramOf(params, steps.slice(0, 1))
  const json = outer.values[0] === undefined ? undefined : parsed(String(outer.values[0]))
  return json === undefined ? { present: false, values: [] } : find({ json }, ['json', ...steps.slice(1)].join('.'))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
