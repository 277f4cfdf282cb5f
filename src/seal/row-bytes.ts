/**
 * The canonical bytes of a row, from its values (docs/design/005-seal.md, "Row"). Pure: what verifies a proof needs no engine.
 */

/** Which bytes stand for a row: `row/1` is a text, which nothing writes any more. */
export type RowFormName = 'row/1' | 'row/2'

/** The form that is written. */
export const ROW_FORM = 'row/2'

/** True for the name of a form that this program knows. */
export const isRowForm = (name: string): name is RowFormName => name === 'row/1' || name === ROW_FORM

const TEXT = 0x01
const NULL = 0x02
const END = 0x00

/**
 * The bytes of a row in the form `row/2`: each value in turn, where 02 stands for null, and 01, the UTF-8 of the text with one added
 * to each byte, and 00 for a text. No byte of UTF-8 is FF, so none runs over, and none in a text is 00.
 */
export function rowBytes(values: readonly (string | null)[]): Buffer {
  return Buffer.concat(values.map((value) => (value === null ? Buffer.of(NULL) : textBytes(value))))
}

function textBytes(value: string): Buffer {
  const bytes = Buffer.from(`\0${value}\0`, 'utf8')
  for (let at = 1; at < bytes.length - 1; at++) bytes[at] = (bytes[at] as number) + 1
  bytes[0] = TEXT
  bytes[bytes.length - 1] = END
  return bytes
}
