/** Verification of a whole home, as `bricktrail verify` does it: files and a public key, no database. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifyHome } from '../../src/seal/verify.ts'
import { type Measured, stopwatch } from '../outcome.ts'

/** The home to verify. */
export interface VerifyParams {
  readonly home: string
}

/** Verifies; throws at the first finding. */
export async function work({ home }: VerifyParams): Promise<Measured> {
  const key = (await readFile(join(home, 'seal', 'keys', 'log.vkey'), 'utf8')).trim()
  const lap = stopwatch()
  const { findings, checked } = await verifyHome(home, { key })
  const measured = lap()
  const [first] = findings
  if (first !== undefined) throw new Error(`${first.kind}: ${first.where}: ${first.what}`)
  const { leaves, files, bytes, rawObjects, rawBytes } = checked
  return { events: checked.events, ...measured, details: { leaves, files, bytes, rawObjects, rawBytes } }
}
