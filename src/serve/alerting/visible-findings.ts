/** Which findings somebody may see: those whose events they may see. */
import { lit } from '../../engine/sql.ts'
import type { LakeQuestions, Principal } from '../contract.ts'

/** Who asks, as far as rows go. */
export type Viewer = Pick<Principal, 'masks' | 'rows'>

/** True for somebody who does not see every row of the lake. */
export const isLimited = ({ rows }: Viewer): boolean =>
  rows.workspaces !== undefined || rows.categories !== undefined || rows.use === false

/** Findings are few; only who sees some rows has their events looked at, too. */
export const laneOf = (viewer: Viewer): 'quick' | 'long' => (isLimited(viewer) ? 'long' : 'quick')

/** Ids asked about in one statement. */
const ASKED_AT_ONCE = 5000

/** Those of some findings that somebody with limited rows may see. */
export async function visibleAmong(
  lake: LakeQuestions,
  viewer: Viewer,
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
