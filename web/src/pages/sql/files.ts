/** Answers as files, made in the browser from what it has already. */
import type { SqlAnswer } from '../../../../src/serve/shapes/events.ts'

/** A value as one text. */
export const textOfValue = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)

/** How texts begin that a spreadsheet would run; whoever made a request chose them. */
const FORMULA = /^[=+\-@\t\r\n]/

/** RFC 4180: null is an empty field, an empty text is `""`. Texts that a spreadsheet would run get a quote before them. */
export function csvOf({ columns, rows }: SqlAnswer): string {
  const field = (value: unknown): string => {
    if (value === null || value === undefined) return ''
    const text = typeof value === 'string' ? value.replace(FORMULA, "'$&") : textOfValue(value)
    return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const lines = [columns.map(({ name }) => field(name)), ...rows.map((row) => row.map(field))]
  return lines.map((line) => `${line.join(',')}\r\n`).join('')
}

/** An array of objects. */
export const jsonOf = ({ columns, rows }: SqlAnswer): string =>
  `${JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at] ?? null]))),
    null,
    2,
  )}\n`

/** Hands a text to the browser as a file. */
export function downloadText(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  window.setTimeout(() => URL.revokeObjectURL(url), 1000)
}
