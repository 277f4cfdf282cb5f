/** Watchlists: lists that a site keeps for rules, in its settings or in files of their own. */
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { isNode, isSeq, LineCounter, parseDocument } from 'yaml'
import { messageOf } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import type { Place, Problem } from '../../core/yaml/place.ts'
import { Fault } from '../sigma/fault.ts'
import type { PassOver, Placeholders } from '../sigma/placeholders.ts'
import { readCsv } from './csv.ts'
import type { WatchlistSource } from './settings.ts'

/** Lists by name. One that cannot be read is a problem, and is not among them. */
export interface Watchlists {
  readonly lists: Placeholders
  readonly problems: readonly Problem[]
  /** Where an entry of a list stands; undefined for one that it does not have. */
  readonly placeOf: (list: string, entry: string) => Place | undefined
}

/** Lines of one file told of; more of them are counted. */
const LINES_TOLD = 10

/** An entry with its line; undefined for those that stand in the settings. */
interface Entry {
  readonly text: string
  readonly line: number | undefined
}

/** What a file has, and lines that are no entry. */
interface ReadEntries {
  readonly entries: readonly Entry[]
  readonly broken: readonly BrokenLine[]
}

interface BrokenLine {
  readonly line: number
  readonly message: string
  readonly hint: string
}

/** Entries that rules could not use, and what is wrong with them: each once, whatever number of rules uses the list. */
export class PassedOver {
  readonly #watchlists: Watchlists
  readonly #problems = new Map<string, Map<string, Problem>>()

  constructor(watchlists: Watchlists) {
    this.#watchlists = watchlists
  }

  readonly passOver: PassOver = (list, entry, { message, hint }) => {
    const place = this.#watchlists.placeOf(list, entry)
    if (place === undefined) return false
    const known = this.#problems.get(list) ?? new Map<string, Problem>()
    this.#problems.set(list, known)
    known.set(entry, {
      severity: 'error',
      message: `This entry of the watchlist ${list} is passed over. ${message}`,
      hint,
      place,
    })
    return true
  }

  get problems(): Problem[] {
    return [...this.#problems.values()].flatMap((known) => fewOf([...known.values()]))
  }
}

/** Reads the watchlists of a site. */
export async function readWatchlists(sources: readonly WatchlistSource[]): Promise<Watchlists> {
  const problems: Problem[] = []
  const read = await Promise.all(
    sources.map(async (source) => {
      try {
        const { entries, broken } = await entriesOf(source)
        problems.push(...brokenLines(source, broken))
        return [{ source, lines: distinct(entries) }]
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
  const known = new Map(read.flat().map((each) => [each.source.name, each]))
  return {
    lists: Object.fromEntries([...known].map(([name, { lines }]) => [name, [...lines.keys()]])),
    problems,
    placeOf(list, entry) {
      const found = known.get(list)
      if (found?.lines.has(entry) !== true) return undefined
      const line = found.lines.get(entry)
      return line === undefined ? found.source.place : placeOfLine(found.source, line)
    },
  }
}

const placeOfLine = ({ file, place }: WatchlistSource, line: number): Place =>
  file === undefined ? place : { file, line, column: 1 }

/** The lines that are passed over; of very many the first. */
function brokenLines(source: WatchlistSource, broken: readonly BrokenLine[]): Problem[] {
  return fewOf(
    broken.map(
      ({ line, message, hint }): Problem => ({
        severity: 'error',
        message: `This line of the watchlist ${source.name} is passed over. ${message}`,
        hint,
        place: placeOfLine(source, line),
      }),
    ),
  )
}

/** The first of problems that are all of one kind; the last says how many more there are. */
function fewOf(problems: readonly Problem[]): Problem[] {
  const told = problems.slice(0, LINES_TOLD)
  const [last] = told.slice(-1)
  const more = problems.length - told.length
  if (last === undefined || more === 0) return told
  return [...told.slice(0, -1), { ...last, message: `${last.message} So are ${more} more.` }]
}

async function entriesOf({ entries, file, column }: WatchlistSource): Promise<ReadEntries> {
  if (file === undefined) return { entries: (entries ?? []).map((text) => ({ text, line: undefined })), broken: [] }
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Fault(`${file} cannot be read: ${cause.code ?? cause.message}.`, 'Check the path and its permissions.')
  })
  const kind = extname(file).toLowerCase()
  if (kind === '.csv' || kind === '.tsv') return columnOf(text, file, column)
  if (column !== undefined) throw new Fault(`${file} is no CSV, so it has no columns.`, 'Remove `column:`.')
  if (kind === '.yml' || kind === '.yaml') return yamlEntries(text, file)
  if (kind === '.txt') return { entries: lineEntries(text), broken: [] }
  throw new Fault(`${file} is of an unknown kind.`, 'Name it .csv, .tsv, .yml, .yaml or .txt, after what it holds.')
}

/** Entries without what is around them, with their lines; empty ones would match what is absent, so they are left out. */
function distinct(entries: readonly Entry[]): ReadonlyMap<string, number | undefined> {
  const lines = new Map<string, number | undefined>()
  for (const { text, line } of entries) {
    const trimmed = text.trim()
    if (trimmed !== '' && !lines.has(trimmed)) lines.set(trimmed, line)
  }
  return lines
}

function columnOf(text: string, file: string, column: string | undefined): ReadEntries {
  const broken: BrokenLine[] = []
  const [header, ...rows] = readCsv(text, (line) =>
    broken.push({ line, message: 'A quote that it opens is not closed.', hint: 'Close it with a ".' }),
  )
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
  const entries = rows.flatMap(({ fields, line }): Entry[] => {
    const field = fields[at]
    if (field !== undefined) return [{ text: field, line }]
    broken.push({ line, message: `It has ${fields.length} of ${names.length} fields.`, hint: 'Fill in the row.' })
    return []
  })
  return { entries, broken: broken.sort((a, b) => a.line - b.line) }
}

/** A line of a list whose text needs no YAML to be read. */
const SIMPLE_ENTRY = /^[ ]{0,8}- ([A-Za-z0-9][\w.@/+-]*(?::[\w.@/+-]+)*)[ ]*$/

function yamlEntries(text: string, file: string): ReadEntries {
  const simple = simpleEntries(text)
  return simple === undefined ? parsedEntries(text, file) : { entries: simple, broken: [] }
}

/** The entries of a plain list; undefined where anything in it needs YAML. The YAML reader takes seconds for long ones. */
function simpleEntries(text: string): Entry[] | undefined {
  const entries: Entry[] = []
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line === '' || line.startsWith('#')) continue
    const [, entry] = SIMPLE_ENTRY.exec(line) ?? []
    if (entry === undefined || /^(null|true|false)$/i.test(entry)) return undefined
    entries.push({ text: entry, line: at + 1 })
  }
  return entries
}

function parsedEntries(text: string, file: string): ReadEntries {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, intAsBigInt: true, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0])
    throw new Fault(`${file}:${line}:${col}: ${error.message.split('\n', 1)[0]}.`, 'Mend the text there.')
  }
  const value: unknown = document.toJS()
  if (!Array.isArray(value)) throw new Fault(`${file} is no list.`, 'Write entries that begin with a dash.')
  const nodes = isSeq(document.contents) ? document.contents.items : []
  const broken: BrokenLine[] = []
  const entries = value.flatMap((entry: unknown, at): Entry[] => {
    const node = nodes[at]
    const start = isNode(node) ? node.range?.[0] : undefined
    const line = start === undefined ? 1 : lineCounter.linePos(start).line
    if (entry !== null && typeof entry !== 'object') return [{ text: String(entry), line }]
    broken.push({ line, message: `Entry ${at + 1} is no text.`, hint: 'Write one text for each entry.' })
    return []
  })
  return { entries, broken }
}

const lineEntries = (text: string): Entry[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line, at) => ({ text: line.replace(/(^|\s)#.*$/, ''), line: at + 1 }))
