/** Objects that the engine reads wrongly or not at all: damaged compression, lines beyond its bounds. They are read by hand. */
import { survey } from '../collect/decompress.ts'
import { MAX_RECORD_BYTES } from '../collect/split.ts'
import { spoolSplit, type Work } from './plan.ts'
import { isLines } from './raw.ts'
import type { ReadCount } from './read-counts.ts'

/** What was read of each object. */
type Read = ReadonlyMap<string, ReadCount>

/**
 * The works with those read by hand of which the engine read something else than there is: it takes a cut gzip object for a whole
 * one, and an object may change while it is read. Undefined if all are sound. Objects are read to their end only where
 * what the engine read does not fit their length.
 */
export async function salvageMisread(works: readonly Work[], read: Read, tmp: string): Promise<Work[] | undefined> {
  return salvage(works, tmp, async (work) => {
    const count = readOf(work, read)
    if (fits(work, count)) return false
    const { damage, bytes, lines } = await survey(work.readPath, work.compression)
    const grown = work.compression === 'none' && work.textBytes !== undefined && bytes !== work.textBytes
    return damage !== undefined || grown || lines !== count.rows
  })
}

/** The works with those read by hand that may be why the engine failed; undefined if there are none. */
export async function salvageUnreadable(works: readonly Work[], tmp: string): Promise<Work[] | undefined> {
  return salvage(works, tmp, async (work) => {
    // Padding behind the end is damage to the engine.
    const { damage, longestLine, padded } = await survey(work.readPath, work.compression)
    return damage !== undefined || padded || longestLine > MAX_RECORD_BYTES
  })
}

/** True if as many records were read by the engine as were counted by hand before. */
export const hasAll = (works: readonly Work[], read: Read): boolean =>
  works.every((work) => work.expectedRows === undefined || readOf(work, read).rows === work.expectedRows)

const readOf = ({ inspected }: Work, read: Read): ReadCount =>
  read.get(inspected.object.key) ?? { rows: 0, sized: 0, bytes: 0 }

async function salvage(
  works: readonly Work[],
  tmp: string,
  isSuspect: (work: Work) => Promise<boolean>,
): Promise<Work[] | undefined> {
  const salvaged: Work[] = []
  for (const work of works) {
    const byHand = work.expectedRows !== undefined || work.readPath === '' || !isLines(work)
    salvaged.push(!byHand && (await isSuspect(work)) ? await spoolSplit(work, 'lines', { tmp }) : work)
  }
  return salvaged.some((work, at) => work !== works[at]) ? salvaged : undefined
}

/** True if rows of these bytes, with a break after each, are as long as the text; the last break may be missing. */
function fits({ textBytes }: Work, { rows, sized, bytes }: ReadCount): boolean {
  if (textBytes === undefined || rows !== sized) return false
  // gzip states its length so.
  const modulus = 2 ** 32
  const lengths = [bytes + rows, bytes + rows - 1, bytes + 2 * rows, bytes + 2 * rows - 2]
  return lengths.some((length) => length >= 0 && length % modulus === textBytes % modulus)
}
