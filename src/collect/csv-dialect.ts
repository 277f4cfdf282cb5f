/** How a CSV object is written, told from its head alone: guessing from the rows lets one broken row spoil all others. */

/** What a reader must be told. */
export interface CsvDialect {
  readonly delimiter: string
  /** What stands before a quote within quotes: another quote, or a backslash as Spark writes it. */
  readonly escape: '"' | '\\'
  /** Column names, in order, no two alike. */
  readonly columns: readonly string[]
}

const DELIMITERS = [',', ';', '\t', '|'] as const

/** The dialect of a text whose first line names the columns of the system table or of Log Analytics; undefined for others. */
export function csvDialect(text: string): CsvDialect | undefined {
  const [header = ''] = /^[^\r\n]*/.exec(text) ?? []
  if (!/\baction_?name\b/i.test(header) || !/\b(event_time|TimeGenerated)\b/i.test(header) || header.startsWith('{'))
    return undefined
  const delimiter = DELIMITERS.map((sign) => ({ sign, count: header.split(sign).length }))
    .sort((a, b) => b.count - a.count)
    .find(({ count }) => count > 1)?.sign
  if (delimiter === undefined) return undefined
  return {
    delimiter,
    escape: count(text, '\\"') > count(text, '""') ? '\\' : '"',
    columns: distinct(header.split(delimiter).map((name) => name.trim().replace(/^"(.*)"$/, '$1'))),
  }
}

const count = (text: string, part: string): number => text.split(part).length - 1

/** The second of two equal names gets a number, as does a column without a name. */
function distinct(names: readonly string[]): string[] {
  const seen = new Set<string>()
  return names.map((name, at) => {
    const own = name === '' || seen.has(name.toLowerCase()) ? `${name}_${at + 1}` : name
    seen.add(own.toLowerCase())
    return own
  })
}
