/** Objects that changed between the look at them and the reading by the engine: what was read is not what the ledger would say. */
import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { digestOf } from '../collect/inspect.ts'
import { Pace } from '../collect/pace.ts'
import type { Work } from './plan.ts'

/** Looked at at once, enough to hide the latency of disks and networks. */
const AT_ONCE = 16

/**
 * The works whose objects are no longer what their digests stand for. Plain lines may have grown: of them no more is taken
 * than was there at the look.
 */
export async function changedMeanwhile(works: readonly Work[]): Promise<Work[]> {
  const read = works.filter(({ readPath }) => readPath !== '')
  const changed: Work[] = []
  const pace = new Pace()
  for (let at = 0; at < read.length; at += AT_ONCE) {
    const some = read.slice(at, at + AT_ONCE)
    const are = await Promise.all(some.map((work) => isChanged(work, pace)))
    changed.push(...some.filter((_, place) => are[place]))
  }
  return changed
}

async function isChanged({ inspected, shape }: Work, pace: Pace): Promise<boolean> {
  const { object, sizeBytes, sha256, compression } = inspected
  const { path } = object
  const info = await pace
    .call(
      () => statSync(path, { throwIfNoEntry: false }),
      () => stat(path),
    )
    .catch(() => undefined)
  // What is gone was read before it went.
  if (info === undefined) return false
  if (info.size === object.sizeBytes && Math.trunc(info.mtimeMs) === object.modifiedMs) return false
  if (compression !== 'none' || shape !== 'lines' || info.size < sizeBytes) return true
  return (await digestOf(object.path, sizeBytes)) !== sha256
}
