/** What others said of the log's heads and when: cosignatures of witnesses, stamps of timestamp authorities. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Verifier } from '../note.ts'
import { bytesOf, LOG_FOLDER } from './log-files.ts'
import { NOTE_LIMIT_BYTES, type NoteBook, noteKey } from './note-book.ts'
import { keyName } from './note-check.ts'
import type { Findings } from './report.ts'

/** Folder of the answers of timestamp authorities. */
const TIMESTAMPS_FOLDER = 'seal/timestamps'
const TIMESTAMP_LIMIT_BYTES = 1_000_000

/** Clocks of different machines differ; by more than this, one of them is wrong. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000

/** What the anchors are held against. */
export interface AnchorsOptions {
  readonly home: string
  readonly headSize: number
  /** Time of each leaf. */
  readonly times: readonly number[]
  readonly witnesses: readonly Verifier[]
  /** How many of the witnesses must have signed a head; all where absent. */
  readonly quorum?: number
  /** Certificates of timestamp authorities, PEM. */
  readonly tsaCa?: string
  readonly findings: Findings
}

/** Judges the cosignatures that were found: is there a head that enough witnesses have seen, and how old is it? */
export function checkCosignatures(book: NoteBook, options: AnchorsOptions): void {
  const { witnesses, findings, headSize } = options
  const quorum = options.quorum ?? witnesses.length
  if (book.strangers.size > 0) {
    findings.notice(
      `Signatures of keys that are not known here: ${[...book.strangers].slice(0, 5).join(', ')} (give --witness).`,
    )
  }
  if (witnesses.length === 0) return
  for (const { size, where, signature } of book.cosignatures) {
    checkTime(Number(signature.timeSecs ?? 0n) * 1000, size, where, `The witness ${keyName(signature.key)}`, options)
  }
  const bySize = Map.groupBy(book.cosignatures, ({ size }) => size)
  const seen = [...bySize].filter(([, list]) => new Set(list.map(({ signature }) => signature.key.vkey)).size >= quorum)
  const newest = Math.max(-1, ...seen.map(([size]) => size))
  if (newest < 0) {
    findings.add(
      'unverifiable',
      noteKey(headSize),
      `No checkpoint has the cosignatures of ${quorum} of the ${witnesses.length} witnesses given.`,
    )
    return
  }
  const last = bySize.get(newest)?.map(({ signature }) => Number(signature.timeSecs ?? 0n) * 1000) ?? []
  findings.state(
    `${quorum} witnesses have seen the first ${newest} of ${headSize} leaves, at ${iso(Math.max(...last))}.`,
  )
  if (newest < headSize) findings.notice(`The last ${headSize - newest} leaves have no cosignatures yet.`)
}

/** Verifies the timestamps, if certificates were given. */
export async function checkTimestamps(options: AnchorsOptions): Promise<void> {
  const { home, findings, tsaCa, headSize } = options
  const folder = join(home, TIMESTAMPS_FOLDER)
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^\d{20}\b.*\.tsr$/.test(name)) : []
  if (names.length === 0) return
  if (tsaCa === undefined) {
    findings.notice(`${names.length} timestamps in ${TIMESTAMPS_FOLDER}/ (give --tsa-ca).`)
    return
  }
  const { verifyTimestamp } = await import('../timestamp/verify.ts')
  for (const name of names.sort()) {
    const size = Number(name.slice(0, 20))
    const where = `${TIMESTAMPS_FOLDER}/${name}`
    const answer = bytesOf(join(home, where), TIMESTAMP_LIMIT_BYTES)
    const note = noteOf(home, size)
    const leaf = Math.max(0, Math.min(size, headSize) - 1)
    if (answer === undefined || note === undefined) {
      findings.add('unverifiable', where, 'There is no checkpoint of this size that it could be about.', leaf)
      continue
    }
    const stamp = await verifyTimestamp(answer, note, tsaCa)
    if (!stamp.ok) {
      findings.add('unverifiable', where, `The timestamp proves nothing: ${stamp.reason}.`, leaf)
      continue
    }
    findings.checked.timestamps += 1
    checkTime(stamp.time.getTime(), size, where, `The timestamp authority ${stamp.tsa}`, options)
    if (name === names.at(-1)) {
      findings.state(`${stamp.tsa} stamped the first ${size} of ${headSize} leaves at ${stamp.time.toISOString()}.`)
    }
  }
}

/** What another clock saw cannot be younger than that. */
function checkTime(
  seenMs: number,
  size: number,
  where: string,
  who: string,
  { times, findings, headSize }: AnchorsOptions,
): void {
  const newest = times[size - 1]
  if (newest === undefined || size > headSize || newest - seenMs <= CLOCK_TOLERANCE_MS) return
  const what = `${who} saw leaf ${size - 1} at ${iso(seenMs)}, but the leaf says it was made at ${iso(newest)}: one of the clocks was wrong.`
  findings.add('reordered', where, what, size - 1)
}

function noteOf(home: string, size: number): Buffer | undefined {
  return (
    bytesOf(join(home, noteKey(size)), NOTE_LIMIT_BYTES) ??
    bytesOf(join(home, `${LOG_FOLDER}/checkpoint`), NOTE_LIMIT_BYTES)
  )
}

/** The furthest time a Date can hold; a cosignature may claim more. */
const LAST_MS = 8.64e15

const iso = (ms: number): string => new Date(Math.min(ms, LAST_MS)).toISOString()
