/** Reads every file that a verification looks at, twice, and does nothing with it. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { homeAt } from '../../src/core/home.ts'
import { type Measured, stopwatch } from '../outcome.ts'

/** The home to read. */
export interface RereadParams {
  readonly home: string
}

const TIMES = 2

/** What a disk gives at once without a wait. */
const BUFFER_BYTES = 1024 * 1024

/** Reads one file after another, each in pieces of a megabyte. */
export async function work({ home }: RereadParams): Promise<Measured> {
  const { lake, seal, root, manifests } = homeAt(home)
  const lap = stopwatch()
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  let bytes = 0
  for (let time = 0; time < TIMES; time++)
    for (const folder of [lake, join(root, 'raw'), seal, manifests]) bytes += await readAll(folder, buffer)
  return { events: 0, ...lap(), details: { bytes } }
}

async function readAll(folder: string, buffer: Buffer): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = await open(join(entry.parentPath, entry.name))
    try {
      for (let read = -1; read !== 0; bytes += read) read = (await file.read(buffer)).bytesRead
    } finally {
      await file.close()
    }
  }
  return bytes
}
