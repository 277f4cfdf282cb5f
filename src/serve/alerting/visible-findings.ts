/** Which findings somebody may see: those whose events they may see. */
import { lit } from '../../engine/sql.ts'
import type { LakeQuestions, Relations } from '../contract.ts'
import { isLimited, type Sight } from '../read/visible.ts'

/** Findings are few; only who sees some rows has their events looked at, too. */
export const laneOf = (viewer: Sight): 'quick' | 'long' => (isLimited(viewer) ? 'long' : 'quick')

/** Ids asked about in one statement. */
const ASKED_AT_ONCE = 5000

/** Those of some findings that somebody with limited rows may see. */
export async function visibleAmong(
  lake: LakeQuestions,
  viewer: Sight,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const seen = new Set<string>()
  for (let at = 0; at < ids.length; at += ASKED_AT_ONCE) {
    const asked = ids.slice(at, at + ASKED_AT_ONCE).map(lit)
    const { rows } = await lake.rows<{ id: string }>(
      viewer,
      ({ findings }) => `SELECT finding_id AS id FROM ${findings} WHERE finding_id IN (${asked.join(', ')})`,
      { signal, lane: laneOf(viewer) },
    )
    for (const { id } of rows) seen.add(id)
  }
  return seen
}

const sets = new WeakMap<object, ReadonlySet<string>>()

/** All findings that somebody may see. The statement is always the same, so that its answer is kept while nothing changes. */
export async function allVisible(
  lake: LakeQuestions,
  viewer: Sight,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const sql = ({ findings }: Relations) => `SELECT finding_id AS id FROM ${findings}`
  const { rows } = await lake.rows<{ id: string }>(viewer, sql, { signal, lane: laneOf(viewer) })
  const known = sets.get(rows) ?? new Set(rows.map(({ id }) => id))
  sets.set(rows, known)
  return known
}
