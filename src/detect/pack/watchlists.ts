/** Watchlists: lists that a site keeps for rules, in its settings or in files of their own. */
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { messageOf } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import type { Problem } from '../../core/yaml/place.ts'
import { Fault } from '../sigma/fault.ts'
import type { Placeholders } from '../sigma/placeholders.ts'
import { readCsv } from './csv.ts'
import type { WatchlistSource } from './settings.ts'

/** Lists by name. One that cannot be read is a problem, and is not among them. */
export interface Watchlists {
  readonly lists: Placeholders
  readonly problems: readonly Problem[]
}

/** Reads the watchlists of a site. */
export async function readWatchlists(sources: readonly WatchlistSource[]): Promise<Watchlists> {
  const problems: Problem[] = []
  const read = await Promise.all(
    sources.map(async (source) => {
      try {
        return [[source.name, await entriesOf(source)] as const]
      } catch (cause) {
        const [message, hint] =
          cause instanceof Fault
            ? [cause.message, cause.hint]
            : [messageOf(cause), 'Check the path and its permissions.']
        problems.push({
          severity: 'error',
          message: `The watchlist ${source.name} cannot be used. ${message}`,
          hint,
          place: source.place,
        })
        return []
      }
    }),
  )
  return { lists: Object.fromEntries(read.flat()), problems }
}

async function entriesOf({ entries, file, column }: WatchlistSource): Promise<readonly string[]> {
  if (file === undefined) return distinct(entries ?? [])
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Fault(`${file} cannot be read: ${cause.code ?? cause.message}.`, 'Check the path and its permissions.')
  })
  const kind = extname(file).toLowerCase()
  if (kind === '.csv' || kind === '.tsv') return distinct(columnOf(text, file, column))
  if (column !== undefined) throw new Fault(`${file} is no CSV, so it has no columns.`, 'Remove `column:`.')
  if (kind === '.yml' || kind === '.yaml') return distinct(yamlEntries(text, file))
  if (kind === '.txt') return distinct(lineEntries(text))
  throw new Fault(`${file} is of an unknown kind.`, 'Name it .csv, .tsv, .yml, .yaml or .txt, after what it holds.')
}

/** Entries without what is around them; empty ones would match what is absent, so they are left out. */
const distinct = (entries: readonly string[]): readonly string[] => [
  ...new Set(entries.map((entry) => entry.trim()).filter((entry) => entry !== '')),
]

function columnOf(text: string, file: string, column: string | undefined): string[] {
  const [header, ...rows] = readCsv(text)
  const names = header?.fields ?? []
  if (names.length === 0) throw new Fault(`${file} is empty.`, 'Write a header and a row for each entry.')
  const at = column === undefined ? (names.length === 1 ? 0 : -1) : names.indexOf(column)
  if (at === -1 && column === undefined)
    throw new Fault(`${file} has several columns.`, `Add \`column:\` with one of ${names.join(', ')}.`)
  if (at === -1) {
    const [near] = nearest(column ?? '', names)
    const hint = near === undefined ? `It has ${names.join(', ')}.` : `Did you mean ${near}?`
    throw new Fault(`${file} has no column ${column}.`, hint)
  }
  return rows.map(({ fields, line }) => {
    const field = fields[at]
    if (field === undefined)
      throw new Fault(`${file}:${line} has ${fields.length} of ${names.length} fields.`, 'Fill in the row.')
    return field
  })
}

/** A line of a list whose text needs no YAML to be read. */
const SIMPLE_ENTRY = /^[ ]{0,8}- ([A-Za-z0-9][\w.@/+-]*(?::[\w.@/+-]+)*)[ ]*$/

function yamlEntries(text: string, file: string): string[] {
  return simpleEntries(text) ?? parsedEntries(text, file)
}

/** The entries of a plain list; undefined where anything in it needs YAML. The YAML reader takes seconds for long ones. */
function simpleEntries(text: string): string[] | undefined {
  const entries: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue
    const [, entry] = SIMPLE_ENTRY.exec(line) ?? []
    if (entry === undefined || /^(null|true|false)$/i.test(entry)) return undefined
    entries.push(entry)
  }
  return entries
}

function parsedEntries(text: string, file: string): string[] {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, intAsBigInt: true, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0])
    throw new Fault(`${file}:${line}:${col}: ${error.message.split('\n', 1)[0]}.`, 'Mend the text there.')
  }
  const value: unknown = document.toJS()
  if (!Array.isArray(value)) throw new Fault(`${file} is no list.`, 'Write entries that begin with a dash.')
  return value.map((entry: unknown, index) => {
    if (entry !== null && typeof entry !== 'object') return String(entry)
    throw new Fault(`Entry ${index + 1} of ${file} is no text.`, 'Write one text for each entry.')
  })
}

const lineEntries = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
