/** Objects that the engine reads wrongly or not at all: damaged compression, lines beyond its bounds. They are read by hand. */
import { survey } from '../collect/decompress.ts'
import { MAX_RECORD_BYTES } from '../collect/split.ts'
import { spoolSplit, type Work } from './plan.ts'
import { isLines } from './raw.ts'
import type { ReadCount } from './staging.ts'

const NOTHING: ReadCount = { rows: 0, sized: 0, bytes: 0 }

/**
 * The works with those read by hand whose compressed bytes are damaged: the engine takes a cut object for a whole one. Undefined
 * if all are sound. Objects are read to their end only where what the engine read does not fit the length they state.
 */
export async function salvageDamaged(
  works: readonly Work[],
  read: ReadonlyMap<string, ReadCount>,
  tmp: string,
): Promise<Work[] | undefined> {
  const salvaged: Work[] = []
  for (const work of works) {
    const sound = work.compression === 'none' || fits(work, read.get(work.inspected.object.key) ?? NOTHING)
    const damaged = !sound && (await survey(work.readPath, work.compression)).damage !== undefined
    salvaged.push(damaged ? await spoolSplit(work, 'lines', { tmp }) : work)
  }
  return salvaged.some((work, at) => work !== works[at]) ? salvaged : undefined
}

/** True if rows of these bytes, with a break after each, are as long as the object says; the last break may be missing. */
function fits({ inspected: { statedLength } }: Work, { rows, sized, bytes }: ReadCount): boolean {
  if (statedLength === undefined || rows !== sized) return false
  const modulus = 2 ** 32
  const lengths = [bytes + rows, bytes + rows - 1, bytes + 2 * rows, bytes + 2 * rows - 2]
  return lengths.some((length) => length >= 0 && length % modulus === statedLength % modulus)
}

/** The works with those read by hand that may be why the engine failed; undefined if there are none. */
export async function salvageUnreadable(works: readonly Work[], tmp: string): Promise<Work[] | undefined> {
  const salvaged: Work[] = []
  for (const work of works) salvaged.push((await isSuspect(work)) ? await spoolSplit(work, 'lines', { tmp }) : work)
  return salvaged.some((work, at) => work !== works[at]) ? salvaged : undefined
}

/** Damage, and padding behind the end, which the engine takes for damage. */
async function isSuspect(work: Work): Promise<boolean> {
  if (work.readPath === '' || !isLines(work) || work.spooled) return false
  const { damage, longestLine, padded } = await survey(work.readPath, work.compression)
  return damage !== undefined || padded || longestLine > MAX_RECORD_BYTES
}
