/** One service a home. The lock is the operating system's, by way of SQLite: a killed process frees it. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { AppError, messageOf } from '../core/errors.ts'
import { type Home, OWNERS_FOLDER } from '../core/home.ts'

/** A place that is held. */
export interface ServicePlace {
  /** Writes down where this service answers, for whom it keeps out. */
  tell(url: string): Promise<void>
  release(): Promise<void>
}

/** Who holds the place, beside the lock: a locked SQLite file cannot be read. */
const holderPath = (home: Pick<Home, 'serviceLock'>): string => `${home.serviceLock}.holder`

/**
 * Takes the place of the home's one service.
 * @throws AppError LOCKED naming the first one; BAD_HOME
 */
export async function lockService(home: Pick<Home, 'root' | 'serviceLock'>): Promise<ServicePlace> {
  let db: DatabaseSync | undefined
  try {
    await mkdir(home.root, OWNERS_FOLDER)
    db = new DatabaseSync(home.serviceLock)
    db.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (cause) {
    db?.close()
    if (/locked|busy/i.test(messageOf(cause))) throw await taken(home)
    throw new AppError('BAD_HOME', `The home ${home.root} cannot be written: ${messageOf(cause)}`, { cause })
  }
  const held = db
  const started = new Date().toISOString()
  const write = (url?: string) => writeFile(holderPath(home), `${JSON.stringify({ pid: process.pid, started, url })}\n`)
  await write()
  return {
    tell: write,
    release: async () => {
      await rm(holderPath(home), { force: true })
      held.close()
    },
  }
}

async function taken(home: Pick<Home, 'root' | 'serviceLock'>): Promise<AppError> {
  const { pid, started, url } = await holder(home)
  const who = pid === undefined ? 'Another bricktrail service' : `A bricktrail service (process ${pid})`
  const since = started === undefined ? '' : ` since ${started.slice(0, 19)}Z`
  const where = url === undefined ? '' : `, and answers at ${url}`
  return new AppError('LOCKED', `${who} has served ${home.root}${since}${where}.`, {
    hint: 'Use that one, or stop it first; one service at a time serves a home.',
  })
}

/** Who holds the place, and where it answers; nothing where nobody does. */
export async function holder(
  home: Pick<Home, 'serviceLock'>,
): Promise<{ pid?: number; started?: string; url?: string }> {
  try {
    return JSON.parse(await readFile(holderPath(home), 'utf8')) as { pid?: number; started?: string; url?: string }
  } catch {
    // It has just begun, or was killed while it wrote.
    return {}
  }
}
