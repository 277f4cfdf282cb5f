/** The output folder: refilled only if it is empty or holds an earlier simulation. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, messageOf } from '../core/errors.ts'
import { GENERATOR, LABELS, type Labels } from './labels.ts'

/** Names a simulation gives to what it writes at the top of the folder. */
const OURS = /^(workspaceId=\d+|insights-logs-[a-z0-9-]+|system\.access\.audit|labels\.json)$/

/** Makes the folder, or empties one that an earlier simulation filled. Fails with BAD_ARGUMENT on anything else. */
export async function prepareFolder(out: string): Promise<void> {
  const entries = await entriesOf(out)
  if (entries.length > 0) {
    if (!(await isSimulation(out)) || !entries.every((entry) => OURS.test(entry))) {
      throw new AppError('BAD_ARGUMENT', `The folder ${out} holds something else than an earlier simulation.`, {
        hint: 'Name an empty or new folder with --out.',
        where: out,
      })
    }
    for (const entry of entries.filter((name) => name !== LABELS)) await rm(join(out, entry), { recursive: true })
  }
  // The mark goes in first: a run that is cut off leaves a folder the next one may refill.
  await writeFile(join(out, LABELS), `${JSON.stringify({ version: 1, generator: GENERATOR, complete: false })}\n`)
}

/** Writes the labels, one scenario a line group, readable by people too. */
export const writeLabels = (out: string, labels: Labels): Promise<void> =>
  writeFile(join(out, LABELS), `${JSON.stringify(labels, null, 1)}\n`)

async function entriesOf(out: string): Promise<string[]> {
  try {
    await mkdir(out, { recursive: true })
    return await readdir(out)
  } catch (cause) {
    throw new AppError('BAD_ARGUMENT', `The folder ${out} cannot be used: ${messageOf(cause)}.`, {
      hint: 'Name a folder you may write with --out.',
      where: out,
      cause,
    })
  }
}

async function isSimulation(out: string): Promise<boolean> {
  try {
    return JSON.parse(await readFile(join(out, LABELS), 'utf8')).generator === GENERATOR
  } catch {
    return false
  }
}
