/** What others said of the log's heads and when: cosignatures of witnesses, stamps of timestamp authorities. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Verifier } from '../note.ts'
import { bytesOf, LOG_FOLDER } from './log-files.ts'
import { NOTE_LIMIT_BYTES, type NoteBook, noteKey } from './note-book.ts'
import { keyName } from './note-check.ts'
import type { Findings } from './report.ts'
import { TIMESTAMP_NAME } from './strays.ts'

/** Folder of the answers of timestamp authorities. */
const TIMESTAMPS_FOLDER = 'seal/timestamps'
const TIMESTAMP_LIMIT_BYTES = 1_000_000

/** Clocks of different machines differ; by more than this, one of them is wrong. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000

/** Leaves may wait so long for a witness or an authority: one that is away for a day is missed, and one that is away longer is looked for. */
const MAX_UNSEEN_MS = 24 * 3_600_000

/** Why a stamp of this very checkpoint does not count: the reader does not trust who made it, or not at that time. */
const OTHER_AUTHORITY = /^(no chain from |the certificate ".*" was not valid at )/s

/** What whoever verifies asks of the anchors. */
export interface AnchorDemands {
  /** How many of the witnesses must have signed a head; all where absent. */
  readonly quorum?: number
  /** Certificates of timestamp authorities, PEM. */
  readonly tsaCa?: string
  /** How much older than the newest leaf one may be that nobody has seen, milliseconds; a day where absent. */
  readonly maxUnseenMs?: number
}

/** What the anchors are held against. */
export interface AnchorsOptions extends AnchorDemands {
  readonly home: string
  readonly headSize: number
  /** Time of each leaf. */
  readonly times: readonly number[]
  readonly witnesses: readonly Verifier[]
  readonly findings: Findings
}

/** Checks what anchors outside say of the log: {@link checkCosignatures}, then {@link checkTimestamps}. */
export async function checkAnchors(
  book: NoteBook,
  facts: Omit<AnchorsOptions, keyof AnchorDemands>,
  { quorum, tsaCa, maxUnseenMs }: AnchorDemands,
): Promise<void> {
  const options: AnchorsOptions = {
    ...facts,
    ...(quorum === undefined ? {} : { quorum }),
    ...(tsaCa === undefined ? {} : { tsaCa }),
    ...(maxUnseenMs === undefined ? {} : { maxUnseenMs }),
  }
  checkCosignatures(book, options)
  await checkTimestamps(options)
}

/** Judges the cosignatures that were found: is there a head that enough witnesses have seen, and how old is it? */
function checkCosignatures(book: NoteBook, options: AnchorsOptions): void {
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
  checkUnseen(newest, noteKey(headSize), 'No witness', options)
}

/** Verifies the timestamps, if certificates were given. */
export async function checkTimestamps(options: AnchorsOptions): Promise<void> {
  const { home, findings, tsaCa } = options
  const folder = join(home, TIMESTAMPS_FOLDER)
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => TIMESTAMP_NAME.test(name)) : []
  const within = names.sort().filter((name) => isWithin(name, options))
  if (tsaCa === undefined) {
    if (names.length > 0) findings.notice(`${names.length} timestamps in ${TIMESTAMPS_FOLDER}/ (give --tsa-ca).`)
    return
  }
  let newest: Held | undefined
  for (const name of within) newest = (await heldStamp(name, tsaCa, options)) ?? newest
  if (newest === undefined) {
    findings.add('unverifiable', TIMESTAMPS_FOLDER, 'There is no timestamp that holds by the certificates given.')
    return
  }
  const { size, tsa, time } = newest
  findings.state(`${tsa} stamped the first ${size} of ${options.headSize} leaves at ${time.toISOString()}.`)
  checkUnseen(size, TIMESTAMPS_FOLDER, 'No timestamp authority', options)
}

interface Held {
  readonly size: number
  readonly tsa: string
  readonly time: Date
}

const sizeOf = (name: string): number => Number(name.slice(0, 20))

function isWithin(name: string, { headSize, findings }: AnchorsOptions): boolean {
  if (sizeOf(name) <= headSize) return true
  const what = `It is of ${sizeOf(name)} leaves by its name, and the log ends at ${headSize}.`
  findings.add('unverifiable', `${TIMESTAMPS_FOLDER}/${name}`, what, headSize)
  return false
}

/** A stamp that holds; a finding, or a notice where it is only of an authority that the reader does not trust. */
async function heldStamp(name: string, tsaCa: string, options: AnchorsOptions): Promise<Held | undefined> {
  const { home, findings, headSize } = options
  const { verifyTimestamp } = await import('../timestamp/verify.ts')
  const [size, where] = [sizeOf(name), `${TIMESTAMPS_FOLDER}/${name}`]
  const answer = bytesOf(join(home, where), TIMESTAMP_LIMIT_BYTES)
  const note = noteOf(home, size, headSize)
  const leaf = Math.max(0, size - 1)
  if (answer === undefined || note === undefined) {
    findings.add('unverifiable', where, 'There is no checkpoint of this size that it could be about.', leaf)
    return undefined
  }
  const stamp = await verifyTimestamp(answer, note, tsaCa)
  if (!stamp.ok) {
    if (OTHER_AUTHORITY.test(stamp.reason)) findings.skip(`${where} does not count: ${stamp.reason}.`)
    else findings.add('unverifiable', where, `The timestamp proves nothing: ${stamp.reason}.`, leaf)
    return undefined
  }
  findings.checked.timestamps += 1
  checkTime(stamp.time.getTime(), size, where, `The timestamp authority ${stamp.tsa}`, options)
  return { size, tsa: stamp.tsa, time: stamp.time }
}

/** What nobody has seen for long may be another history than the one that was shown to them. */
function checkUnseen(
  seen: number,
  where: string,
  nobody: string,
  { times, headSize, findings, maxUnseenMs = MAX_UNSEEN_MS }: AnchorsOptions,
): void {
  const oldest = times[seen]
  if (seen >= headSize || oldest === undefined) return
  let newest = oldest
  for (let leaf = seen; leaf < headSize; leaf++) newest = Math.max(newest, times[leaf] ?? newest)
  if (newest - oldest <= maxUnseenMs) return
  const what = `${nobody} has seen leaf ${seen} of ${iso(oldest)} or any after it, and the newest is of ${iso(newest)}: ask them for what they saw last.`
  findings.add('unverifiable', where, what, seen)
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

function noteOf(home: string, size: number, headSize: number): Buffer | undefined {
  const kept = bytesOf(join(home, noteKey(size)), NOTE_LIMIT_BYTES)
  if (kept !== undefined || size !== headSize) return kept
  return bytesOf(join(home, `${LOG_FOLDER}/checkpoint`), NOTE_LIMIT_BYTES)
}

/** The furthest time a Date can hold; a cosignature may claim more. */
const LAST_MS = 8.64e15

const iso = (ms: number): string => new Date(Math.min(ms, LAST_MS)).toISOString()
