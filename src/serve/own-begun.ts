/**
 * Changes that were begun and whose record is not written yet: one small file each, gone once the record is durable. What stands here
 * at the next start was cut off in between, and is told then.
 */
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** A change that was cut off. */
export interface CutOff {
  readonly id: string
  /** Its record, as it is to be told. */
  readonly line: string
}

/** The changes of one home that are under way. */
export class BegunChanges {
  readonly #folder: string
  readonly #open = new Set<string>()

  /** Touches no disk before the first change. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Keeps a change before it is done; durable when this resolves. */
  async begin(id: string, line: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE })
    this.#open.add(id)
    const file = await open(this.#pathOf(id), 'wx', FILE_MODE)
    try {
      await file.writeFile(line)
      await file.sync()
    } finally {
      await file.close()
    }
    await syncFolder(this.#folder)
  }

  /** Forgets a change whose record is durable. A file that stays is told once more at the next start, under the same request id. */
  async end(id: string): Promise<void> {
    if (this.#open.delete(id)) await rm(this.#pathOf(id), { force: true }).catch(() => undefined)
  }

  /** What was cut off before this start, the oldest names first. Half a file is of a change that never began. */
  async cutOff(): Promise<CutOff[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
    const found = await Promise.all(
      ids.sort().map(async (id) => ({ id, line: await readFile(this.#pathOf(id), 'utf8') })),
    )
    for (const { id } of found) this.#open.add(id)
    return found
  }

  #pathOf(id: string): string {
    return join(this.#folder, `${id}.json`)
  }
}

/** A file whose name is not durable is lost with its records. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
