/** What a timestamp is about: the checkpoint as its log signed it, whatever cosignatures it got since. */
import { hash } from 'node:crypto'

/** Between the text of a note and its signatures. */
const BLANK_LINE = Buffer.from('\n\n')
const DASH = Buffer.from('— ')
const LF = 0x0a

/**
 * The note with the log's own signature lines only: those whose key name is the origin, its first line. Cosignatures come
 * later than timestamps and copies, which must not depend on them. Bytes that are no note are given back as they are.
 */
export function loggedNote(note: Uint8Array): Uint8Array {
  const bytes = Buffer.from(note.buffer, note.byteOffset, note.byteLength)
  const blank = bytes.lastIndexOf(BLANK_LINE)
  const originEnd = bytes.indexOf(LF)
  if (blank < 0 || originEnd <= 0) return note
  const own = Buffer.concat([DASH, bytes.subarray(0, originEnd), Buffer.from(' ')])
  const kept = linesOf(bytes.subarray(blank + BLANK_LINE.length)).filter(
    (line) => line.subarray(0, own.length).compare(own) === 0,
  )
  return kept.length === 0 ? note : Buffer.concat([bytes.subarray(0, blank + BLANK_LINE.length), ...kept])
}

/** SHA-256 of {@link loggedNote}: the imprint that a timestamp authority signs. */
export const imprintOf = (note: Uint8Array): Buffer => hash('sha256', loggedNote(note), 'buffer')

/** Lines with their line feeds. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let from = 0; from < bytes.length; ) {
    const at = bytes.indexOf(LF, from)
    const end = at < 0 ? bytes.length : at + 1
    lines.push(bytes.subarray(from, end))
    from = end
  }
  return lines
}
