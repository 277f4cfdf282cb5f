/**
 * Text from logs on a terminal. Whoever makes requests writes user agents, names and queries, so a log line may hold
 * sequences that move the cursor, recolour or hide text; nothing of that kind is ever printed raw.
 */

/** C0, DEL and C1 controls, line separators, what reverses or hides text, and halves of surrogate pairs. */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** The text on one line, with everything a terminal would act on written as an escape: `\n`, `\x1b`, `\u202e`. */
export const printable = (text: string): string => text.replace(UNSAFE, escaped)

/** As {@link printable}, but line breaks stay: for text that is shown whole. */
export const printableLines = (text: string): string => text.split(/\r?\n/).map(printable).join('\n')

function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code < 0x100) return NAMED[char] ?? `\\x${code.toString(16).padStart(2, '0')}`
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`
}

/** JSON text in which no character acts on a terminal; it reads back as the same value. */
export const jsonText = (value: unknown): string => JSON.stringify(value).replace(UNSAFE, jsonEscaped)

const jsonEscaped = (char: string): string =>
  [...Array(char.length).keys()].map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')

const WIDE =
  /[\u1100-\u115f\u231a\u231b\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const NO_WIDTH = /[\p{Mn}\p{Me}]/u

/** Columns a printable text takes on a terminal. */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const char of text) width += charWidth(char)
  return width
}

const charWidth = (char: string): number => (NO_WIDTH.test(char) ? 0 : WIDE.test(char) ? 2 : 1)

/** The text in exactly `width` columns: padded, or cut with `…`. */
export function fitted(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const takes = displayWidth(text)
  if (takes > width) return cut(text, width)
  const padding = ' '.repeat(width - takes)
  return align === 'left' ? text + padding : padding + text
}

function cut(text: string, width: number): string {
  let kept = ''
  let takes = 1
  for (const char of text) {
    takes += charWidth(char)
    if (takes > width) break
    kept += char
  }
  return `${kept}…${' '.repeat(Math.max(0, width - 1 - displayWidth(kept)))}`
}
