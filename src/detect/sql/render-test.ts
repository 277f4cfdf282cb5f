/** One test on one value as a condition of SQL. */
import type { Network } from '../sigma/network.ts'
import type { Comparison, Test } from '../sigma/tree.ts'
import type { Bindings } from './bindings.ts'
import type { Dialect } from './dialect.ts'
import type { ValueSql } from './fields.ts'
import { foldedValue, renderText, textValue } from './render-text.ts'

const SIGNS: Readonly<Record<Comparison | 'eq', string>> = { lt: '<', lte: '<=', gt: '>', gte: '>=', eq: '=' }

/** Numbers beyond this are compared as text: as floating point they would be equal to their neighbours. */
const EXACT = BigInt(Number.MAX_SAFE_INTEGER)

/** The condition of a test; `exists` and `null` are about fields, not values, and are not met here. */
export function renderTest(test: Test, value: ValueSql, bindings: Bindings): string {
  const { dialect } = bindings
  switch (test.kind) {
    case 'text':
      return renderText(test.pattern, test.cased, value, dialect)
    case 'number':
      return renderNumber(test.value, value, dialect)
    case 'boolean':
      return renderBoolean(test.value, value, dialect)
    case 'compare':
      return `${numberValue(value, dialect)} ${SIGNS[test.op]} ${test.value}`
    case 'regex':
      return dialect.regex(textValue(value, dialect), `${test.flags === '' ? '' : `(?${test.flags})`}${test.pattern}`)
    case 'time':
      return `${dialect.timePart(test.part, timeValue(value, dialect))} ${SIGNS[test.op]} ${test.value}`
    case 'network':
      return renderNetwork(test.network, textValue(value, dialect), dialect)
    case 'field':
      return renderFieldTest(test, value, bindings)
    default:
      return 'false'
  }
}

function numberValue({ type, value }: ValueSql, dialect: Dialect): string {
  if (type === 'number') return value
  if (type === 'time') return dialect.epochMs(value)
  return type === 'text' ? `(${dialect.asNumber(value)})` : 'NULL'
}

const timeValue = ({ type, value }: ValueSql, dialect: Dialect): string =>
  type === 'time' ? value : dialect.asAnyTime(type === 'text' ? value : 'NULL')

function renderNumber(number: number | bigint, value: ValueSql, dialect: Dialect): string {
  const asText = `${textValue(value, dialect)} = ${dialect.text(String(number))}`
  const beyond = typeof number === 'bigint' && (number > EXACT || number < -EXACT)
  if (beyond) return asText
  const asNumber = `${numberValue(value, dialect)} = ${number}`
  return value.type === 'text' ? `(${asText} OR ${asNumber})` : asNumber
}

function renderBoolean(truth: boolean, value: ValueSql, dialect: Dialect): string {
  if (value.type === 'boolean') return truth ? value.value : `NOT ${value.value}`
  return value.type === 'text' ? `${value.folded()} = ${dialect.text(String(truth))}` : 'false'
}

function renderNetwork({ version, first, last, prefix }: Network, text: string, dialect: Dialect): string {
  const hex = version === 4 ? dialect.ipv4(text) : dialect.ipv6(text)
  const within = `(${hex}) BETWEEN ${dialect.text(first)} AND ${dialect.text(last)}`
  const octets = Math.floor(prefix / 8)
  if (version === 6 || octets === 0) return within
  // A look at the first octets leaves few addresses to take apart, beside those in other words.
  const start = [0, 1, 2, 3]
    .slice(0, octets)
    .map((at) => Number.parseInt(first.slice(at * 2, at * 2 + 2), 16))
    .join('.')
  const isNear = dialect.startsWith(text, dialect.text(octets === 4 ? start : `${start}.`))
  return `((${isNear} OR ${dialect.contains(text, dialect.text(':'))}) AND ${within})`
}

function renderFieldTest(test: Extract<Test, { kind: 'field' }>, value: ValueSql, bindings: Bindings): string {
  const { dialect } = bindings
  const other = bindings.field(test.field)
  if (other === undefined) return 'false'
  const compare = (right: ValueSql): string => {
    if (value.type === right.type && value.type !== 'text' && test.position === 'whole')
      return `${value.value} = ${right.value}`
    const [a, b] = test.cased
      ? [textValue(value, dialect), textValue(right, dialect)]
      : [foldedValue(value, dialect), foldedValue(right, dialect)]
    if (test.position === 'start') return dialect.startsWith(a, b)
    if (test.position === 'end') return dialect.endsWith(a, b)
    return test.position === 'inside' ? dialect.contains(a, b) : `${a} = ${b}`
  }
  if (other.operand.type !== 'texts') {
    return compare({ type: other.operand.type, value: other.value, folded: other.folded })
  }
  return dialect.any(other.value, 'other', (element) =>
    compare({ type: 'text', value: element, folded: () => dialect.lower(element) }),
  )
}
