/** Answers as text: table, JSON, JSON lines and CSV, written batch by batch as they come. */
import { once } from 'node:events'
import { jsonText, printable, printableLines } from '../core/printable.ts'
import type { AnswerStream } from '../engine/sandbox.ts'
import type { AnswerColumn } from '../engine/sandbox-messages.ts'
import { cellText, headLines, layTable, rowLine, type TableColumn } from './table.ts'

/** Text formats of an answer. */
export const TEXT_FORMATS = ['table', 'json', 'ndjson', 'csv'] as const

/** One of {@link TEXT_FORMATS}. */
export type TextFormat = (typeof TEXT_FORMATS)[number]

/** Takes text; resolves when there is room for more. */
export type Write = (text: string) => Promise<void>

/** An answer to write. */
export interface WritableAnswer {
  readonly columns: readonly AnswerColumn[]
  readonly batches: AsyncIterable<readonly (readonly unknown[])[]> | Iterable<readonly (readonly unknown[])[]>
}

/** What the reader is. */
export interface Reader {
  /** True for a terminal: then no format prints control characters raw. */
  readonly tty: boolean
  /** Columns of the terminal. */
  readonly width?: number
}

/** What was written. */
export interface WrittenAnswer {
  readonly rows: number
  /** Columns a table had no room for. */
  readonly hidden: readonly string[]
}

/** A table's widths are taken from this many rows; later rows are cut to fit. */
const LAYOUT_ROWS = 1000

/** Writes to a stream and waits while its buffer is full. */
export const writeTo =
  (stream: NodeJS.WritableStream): Write =>
  async (text) => {
    if (!stream.write(text)) await once(stream, 'drain')
  }

/** Writes the answer in a format. */
export async function writeAnswer(
  answer: WritableAnswer,
  format: TextFormat,
  write: Write,
  reader: Reader,
): Promise<WrittenAnswer> {
  switch (format) {
    case 'table':
      return isPlan(answer.columns) ? writePlan(answer, write) : writeTable(answer, write, reader)
    case 'json':
      return writeJson(answer, write)
    case 'ndjson':
      return writeNdjson(answer, write)
    case 'csv':
      return writeCsv(answer, write, reader)
  }
}

const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*|BIGNUM)$/

/** Whether a column of this type holds numbers. */
export const tableColumn = ({ name, type }: AnswerColumn): TableColumn => ({ name, numeric: NUMERIC.test(type) })

async function writeTable({ columns, batches }: WritableAnswer, write: Write, reader: Reader): Promise<WrittenAnswer> {
  const head: (readonly unknown[])[] = []
  let layout: ReturnType<typeof layTable> | undefined
  let rows = 0
  const begin = async () => {
    const laid = layTable(columns.map(tableColumn), head, reader.tty ? reader.width : undefined)
    await write(headLines(laid) + head.map((row) => rowLine(laid, row)).join(''))
    return laid
  }
  for await (const batch of batches) {
    rows += batch.length
    const toHead = layout === undefined ? LAYOUT_ROWS - head.length : 0
    head.push(...batch.slice(0, toHead))
    if (head.length === LAYOUT_ROWS) layout ??= await begin()
    const laid = layout
    if (laid !== undefined)
      await write(
        batch
          .slice(toHead)
          .map((row) => rowLine(laid, row))
          .join(''),
      )
  }
  layout ??= await begin()
  return { rows, hidden: layout.hidden }
}

const isPlan = (columns: readonly AnswerColumn[]): boolean =>
  columns.length === 2 && columns[0]?.name === 'explain_key' && columns[1]?.name === 'explain_value'

/** EXPLAIN draws its plan with line breaks. */
async function writePlan({ batches }: WritableAnswer, write: Write): Promise<WrittenAnswer> {
  let rows = 0
  for await (const batch of batches) {
    for (const row of batch) {
      rows += 1
      await write(`${printableLines(String(row[1]))}\n`)
    }
  }
  return { rows, hidden: [] }
}

/** A row as an object, by column name. */
export const rowObject = (columns: readonly AnswerColumn[], row: readonly unknown[]): Record<string, unknown> =>
  Object.fromEntries(columns.map(({ name }, at) => [name, row[at]]))

async function writeJson({ columns, batches }: WritableAnswer, write: Write): Promise<WrittenAnswer> {
  let rows = 0
  for await (const batch of batches) {
    if (batch.length === 0) continue
    const lines = batch.map((row) => jsonText(rowObject(columns, row))).join(',\n')
    await write((rows === 0 ? '[\n' : ',\n') + lines)
    rows += batch.length
  }
  await write(rows === 0 ? '[]\n' : '\n]\n')
  return { rows, hidden: [] }
}

/**
 * Writes an answer and how it ended as one JSON object: `columns`, `rows` (objects by column name), `rowCount`,
 * `truncated` and `elapsedMs`.
 */
export async function writeAnswerObject(answer: AnswerStream, write: Write): Promise<void> {
  await write(`{"columns":${jsonText(answer.columns)},"rows":`)
  const { rows } = await writeJson(answer, write)
  const ending = { rowCount: rows, truncated: answer.truncated(), elapsedMs: answer.elapsedMs() }
  await write(`,${jsonText(ending).slice(1)}\n`)
}

async function writeNdjson({ columns, batches }: WritableAnswer, write: Write): Promise<WrittenAnswer> {
  let rows = 0
  for await (const batch of batches) {
    rows += batch.length
    await write(batch.map((row) => `${jsonText(rowObject(columns, row))}\n`).join(''))
  }
  return { rows, hidden: [] }
}

async function writeCsv({ columns, batches }: WritableAnswer, write: Write, reader: Reader): Promise<WrittenAnswer> {
  const line = (row: readonly unknown[]) => `${row.map((value) => csvField(value, reader.tty)).join(',')}\r\n`
  await write(line(columns.map((column) => column.name)))
  let rows = 0
  for await (const batch of batches) {
    rows += batch.length
    await write(batch.map(line).join(''))
  }
  return { rows, hidden: [] }
}

/** RFC 4180; null is an empty field and an empty text is `""`, so that the two differ. */
function csvField(value: unknown, tty: boolean): string {
  if (value === null || value === undefined) return ''
  const text = typeof value !== 'string' ? cellText(value) : tty ? printable(value) : value
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
