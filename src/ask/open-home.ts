/** Whether others of the machine can look into a home. */
import { stat } from 'node:fs/promises'
import type { Home } from '../core/home.ts'

const OF_OTHERS = 0o077

/** What is wrong, and what to do; undefined where nobody else can, or where there is no home yet. */
export async function openHome({
  root,
}: Home): Promise<{ readonly finding: string; readonly hint: string } | undefined> {
  if (process.platform === 'win32') return undefined
  const mode = await stat(root).then(
    (found) => found.mode,
    () => 0,
  )
  if ((mode & OF_OTHERS) === 0) return undefined
  return {
    finding: `${root} can be looked into by others of this machine, past all roles and masks`,
    hint: `Unless that is meant (another program's user reads the lake): chmod 700 ${root}`,
  }
}
