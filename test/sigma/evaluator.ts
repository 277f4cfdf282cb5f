/**
 * Sigma rules evaluated one record at a time, written from the specification and sharing nothing with the engine under test: the
 * other opinion in differential tests. Slow and plain on purpose.
 */

/** What a record has for a field: nothing, or values of which any counts. */
export interface Found {
  readonly present: boolean
  readonly values: readonly unknown[]
}

/** Looks a field up; null asks for the whole record's text. */
export type LookUp = (field: string) => Found

/** A record as a rule sees it. */
export interface Subject {
  readonly lookUp: LookUp
  readonly text: () => string
}

type Doc = Record<string, unknown>
type Predicate = (subject: Subject) => boolean

/** True if the detection of a rule, as parsed YAML, matches. */
export function matches(detection: Doc, subject: Subject): boolean {
  const names = Object.keys(detection).filter((name) => name !== 'condition' && name !== 'timeframe')
  const selections = new Map<string, Predicate>(names.map((name) => [name, (s) => selected(detection[name], s)]))
  const conditions = Array.isArray(detection.condition) ? detection.condition : [detection.condition]
  return conditions.some((condition) => evaluate(String(condition), selections, subject))
}

function evaluate(condition: string, selections: Map<string, Predicate>, subject: Subject): boolean {
  const tokens = condition.match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  const or = (): boolean => {
    let result = and()
    while (tokens[at]?.toLowerCase() === 'or') {
      at++
      const right = and()
      result = result || right
    }
    return result
  }
  const and = (): boolean => {
    let result = not()
    while (tokens[at]?.toLowerCase() === 'and') {
      at++
      const right = not()
      result = result && right
    }
    return result
  }
  const not = (): boolean => {
    if (tokens[at]?.toLowerCase() !== 'not') return primary()
    at++
    return !not()
  }
  const primary = (): boolean => {
    const token = tokens[at++] ?? ''
    if (token === '(') {
      const inner = or()
      at++
      return inner
    }
    if (tokens[at]?.toLowerCase() === 'of') {
      const pattern = tokens[at + 1] ?? ''
      at += 2
      const chosen = [...selections].filter(([name]) =>
        pattern === 'them'
          ? !name.startsWith('_')
          : globs(pattern, name) && (pattern.startsWith('_') || !name.startsWith('_')),
      )
      const results = chosen.map(([, predicate]) => predicate(subject))
      return token === 'all' ? results.every(Boolean) : results.some(Boolean)
    }
    const selection = selections.get(token)
    if (selection === undefined) throw new Error(`no selection ${token}`)
    return selection(subject)
  }
  return or()
}

const globs = (pattern: string, name: string): boolean => {
  if (pattern === '') return name === ''
  if (pattern.startsWith('*')) return globs(pattern.slice(1), name) || (name !== '' && globs(pattern, name.slice(1)))
  return name !== '' && pattern[0] === name[0] && globs(pattern.slice(1), name.slice(1))
}

function selected(selection: unknown, subject: Subject): boolean {
  if (Array.isArray(selection)) return selection.some((entry) => selected(entry, subject))
  if (typeof selection === 'object' && selection !== null) {
    return Object.entries(selection).every(([key, value]) => line(key, value, subject))
  }
  return line('', selection, subject)
}

function line(key: string, value: unknown, subject: Subject): boolean {
  const [field = '', ...modifiers] = key.split('|')
  const found: Found = field === '' ? { present: true, values: [subject.text()] } : subject.lookUp(field)
  const list = Array.isArray(value) ? value : [value]
  const results = list.map((each) => holds(each, modifiers, field === '', found, subject))
  const result = modifiers.includes('all') ? results.every(Boolean) : results.some(Boolean)
  return modifiers.includes('neq') ? !result : result
}

const PARTS: Record<string, (date: Date) => number> = {
  minute: (date) => date.getUTCMinutes(),
  hour: (date) => date.getUTCHours(),
  day: (date) => date.getUTCDate(),
  week: isoWeek,
  month: (date) => date.getUTCMonth() + 1,
  year: (date) => date.getUTCFullYear(),
}

function isoWeek(date: Date): number {
  const day = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()))
  day.setUTCDate(day.getUTCDate() + 4 - (day.getUTCDay() || 7))
  const first = Date.UTC(day.getUTCFullYear(), 0, 1)
  return Math.ceil(((day.getTime() - first) / 86_400_000 + 1) / 7)
}

/** Since 1970, in seconds or thousandths, millionths, billionths of them; numbers too small or too large are no time. */
function millis(since: number): number {
  const unit = [1e8, 1e11, 1e14, 1e17, 1e20].findIndex((most) => since < most)
  return unit > 0 ? (since * 1000) / 1000 ** (unit - 1) : Number.NaN
}

const ORDERS: Record<string, (a: number, b: number) => boolean> = {
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
}

function holds(value: unknown, modifiers: string[], keyword: boolean, found: Found, subject: Subject): boolean {
  const has = (name: string): boolean => modifiers.includes(name)
  const values = found.values.filter((each) => each !== null && each !== undefined)
  const order = Object.keys(ORDERS).find(has)
  const part = Object.keys(PARTS).find(has)
  if (has('exists')) return found.present === value
  if (value === null) return values.length === 0
  if (has('re')) {
    const flags = ['i', 'm', 's'].filter(has).join('')
    const pattern = new RegExp(String(value), `${flags}u`)
    return values.some((each) => pattern.test(textOf(each)))
  }
  if (part !== undefined) {
    const wanted = Number(value)
    return values.some((each) => {
      const since = numberOf(each)
      const date = new Date(since === undefined ? textOf(each) : millis(since))
      if ((since === undefined && !/^\d{4}-\d\d-\d\d/.test(textOf(each))) || Number.isNaN(date.getTime())) return false
      const actual = PARTS[part]?.(date) ?? Number.NaN
      return order === undefined ? actual === wanted : (ORDERS[order]?.(actual, wanted) ?? false)
    })
  }
  if (order !== undefined) {
    return values.some((each) => {
      const number = numberOf(each)
      return number !== undefined && (ORDERS[order]?.(number, Number(value)) ?? false)
    })
  }
  if (has('fieldref')) {
    const others = subject.lookUp(String(value)).values.filter((each) => each !== null && each !== undefined)
    const fold = has('cased') ? (text: string) => text : folded
    const test = has('startswith')
      ? 'startsWith'
      : has('endswith')
        ? 'endsWith'
        : has('contains')
          ? 'includes'
          : undefined
    return values.some((each) =>
      others.some((other) => {
        const [a, b] = [fold(textOf(each)), fold(textOf(other))]
        return test === undefined ? a === b : a[test](b)
      }),
    )
  }
  if (has('cidr')) return values.some((each) => inNetwork(textOf(each), String(value)))
  const onText = modifiers.filter((name) => !['all', 'neq'].includes(name))
  if (!keyword && onText.length === 0) {
    if (typeof value === 'number') {
      return values.some((each) => textOf(each) === String(value) || numberOf(each) === value)
    }
    if (typeof value === 'boolean') return values.some((each) => folded(textOf(each)) === String(value))
  }
  const tokens = typeof value === 'string' ? tokensOf(value) : [...String(value)].map((char) => ({ char }))
  return spellings(tokens, modifiers).some((spelling) => {
    const wide = keyword || has('contains')
    const pattern = [
      ...(wide || has('endswith') ? ['*' as const] : []),
      ...spelling,
      ...(wide || has('startswith') ? ['*' as const] : []),
    ]
    return values.some((each) => like(pattern, [...textOf(each)], has('cased')))
  })
}

/** One character of a value, or a wildcard. */
type Token = { readonly char: string } | '*' | '?'

function tokensOf(value: string): Token[] {
  const chars = [...value]
  const tokens: Token[] = []
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? ''
    const next = chars[at + 1]
    if (char === '\\' && (next === '*' || next === '?' || next === '\\')) {
      tokens.push({ char: next })
      at++
    } else if (char === '*' || char === '?') tokens.push(char)
    else tokens.push({ char })
  }
  return tokens
}

const DASHES = ['-', '/', '\u2013', '\u2014', '\u2015']

/** Every way a value can be written after windash and encodings. */
function spellings(tokens: Token[], modifiers: string[]): Token[][] {
  let all: Token[][] = [tokens]
  if (modifiers.includes('windash')) {
    tokens.forEach((token, at) => {
      const char = typeof token === 'string' ? undefined : token.char
      const before = tokens[at - 1]
      const after = tokens[at + 1]
      const word = (other: Token | undefined): boolean =>
        other !== undefined && typeof other !== 'string' && /[\p{L}\p{N}_]/u.test(other.char)
      if (char === undefined || !DASHES.includes(char) || word(before) || !word(after)) return
      all = all.flatMap((each) => DASHES.map((dash) => each.map((old, index) => (index === at ? { char: dash } : old))))
    })
  }
  const text = (each: Token[]): string => each.map((token) => (typeof token === 'string' ? token : token.char)).join('')
  const chars = (value: string): Token[] => [...value].map((char) => ({ char }))
  const wide = modifiers.find((name) => name.startsWith('utf16') || name === 'wide')
  const bytes = (each: Token[]): Buffer => {
    const plain = text(each)
    if (wide === undefined) return Buffer.from(plain, 'utf8')
    const little = Buffer.concat([Buffer.from(wide === 'utf16' ? [0xff, 0xfe] : []), Buffer.from(plain, 'utf16le')])
    return wide === 'utf16be' ? Buffer.from(plain, 'utf16le').swap16() : little
  }
  if (modifiers.includes('base64')) return all.map((each) => chars(bytes(each).toString('base64')))
  if (modifiers.includes('base64offset')) {
    return all.flatMap((each) =>
      [0, 1, 2].map((shift) => {
        const encoded = Buffer.concat([Buffer.alloc(shift, 0x20), bytes(each)]).toString('base64')
        const from = [0, 2, 3][shift]
        const cut = [0, 3, 2][(bytes(each).length + shift) % 3] ?? 0
        return chars(encoded.slice(from, encoded.length - cut))
      }),
    )
  }
  return wide === undefined ? all : all.map((each) => chars(bytes(each).toString('latin1')))
}

/** Whether a text as a whole is what a pattern describes. */
function like(pattern: readonly Token[], text: readonly string[], cased: boolean): boolean {
  let reachable = new Set([0])
  for (const token of pattern) {
    const next = new Set<number>()
    for (const at of reachable) {
      if (token === '*') for (let to = at; to <= text.length; to++) next.add(to)
      else if (at < text.length && (token === '?' || same(token.char, text[at] ?? '', cased))) next.add(at + 1)
    }
    reachable = next
  }
  return reachable.has(text.length)
}

const same = (a: string, b: string, cased: boolean): boolean => (cased ? a === b : folded(a) === folded(b))

/** Letters in lower case one by one, the two small sigmas being one. */
const folded = (text: string): string =>
  [...text].map((char) => ([...char.toLowerCase()][0] ?? char).replace('ς', 'σ')).join('')

const textOf = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const text = String(value).trim()
  return typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined
}

function inNetwork(address: string, network: string): boolean {
  const [base = '', length] = network.split('/')
  const a = bitsOf(address)
  const b = bitsOf(base)
  if (a === undefined || b === undefined || a.length !== b.length) return false
  const prefix = length === undefined ? b.length : Number(length)
  return a.slice(0, prefix) === b.slice(0, prefix)
}

/** An address as a text of zeros and ones. */
function bitsOf(address: string): string | undefined {
  const quad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)
  if (quad !== null) {
    const octets = quad.slice(1).map(Number)
    if (octets.some((octet, at) => octet > 255 || String(octet) !== quad[at + 1])) return undefined
    return octets.map((octet) => octet.toString(2).padStart(8, '0')).join('')
  }
  if (!/^[0-9a-f:]+$/i.test(address) || !address.includes(':')) return undefined
  const halves = address.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (groups.flat().some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const missing = 8 - groups.flat().length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const [left = [], right = []] = groups
  return [...left, ...Array<string>(missing).fill('0'), ...right]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('')
}
