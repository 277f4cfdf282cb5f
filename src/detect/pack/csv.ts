/** CSV with a header, after RFC 4180: fields in quotes may hold commas, line ends and doubled quotes. */

/** A row with the line it begins on, from 1. */
export interface CsvRow {
  readonly line: number
  readonly fields: readonly string[]
}

/**
 * Rows of a text, blank lines left out; a comma, semicolon or tab separates, as the first line tells.
 *
 * @param onBroken called for a line with a quote that nothing closes, which is left out
 */
export function readCsv(text: string, onBroken: (line: number) => void): CsvRow[] {
  const content = text.replace(/^\uFEFF/, '')
  const separator = separatorOf(content)
  const rows: CsvRow[] = []
  let fields: string[] = []
  let line = 1
  let start = 1
  let at = 0
  while (at < content.length) {
    const field = content[at] === '"' ? quoted(content, at) : plain(content, at, separator)
    if (field === undefined) {
      onBroken(line)
      const end = content.indexOf('\n', at)
      at = end === -1 ? content.length : end + 1
      line++
      start = line
      fields = []
      continue
    }
    fields.push(field.text)
    line += field.lines
    at = field.end
    if (content[at] === separator) {
      at++
      if (at === content.length) fields.push('')
      if (at < content.length) continue
    }
    if (fields.length > 1 || fields[0]?.trim() !== '') rows.push({ line: start, fields })
    fields = []
    if (content[at] === '\r') at++
    if (content[at] === '\n') at++
    line++
    start = line
  }
  return rows
}

interface Field {
  readonly text: string
  /** Index behind it. */
  readonly end: number
  /** Line ends within it. */
  readonly lines: number
}

function plain(content: string, at: number, separator: string): Field {
  let end = at
  while (end < content.length && !`${separator}\r\n`.includes(content.charAt(end))) end++
  return { text: content.slice(at, end).trim(), end, lines: 0 }
}

/** Undefined where the quote is not closed. */
function quoted(content: string, at: number): Field | undefined {
  let end = at + 1
  for (;;) {
    end = content.indexOf('"', end)
    if (end === -1) return undefined
    if (content[end + 1] !== '"') break
    end += 2
  }
  const text = content.slice(at + 1, end).replaceAll('""', '"')
  return { text, end: end + 1, lines: text.split('\n').length - 1 }
}

/** The separator that the first line has most of. */
function separatorOf(content: string): string {
  const [first = ''] = content.split('\n', 1)
  const counts = [',', ';', '\t'].map((separator) => ({ separator, count: first.split(separator).length }))
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).separator
}
