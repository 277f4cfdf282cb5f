/** One process at a time changes a seal. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError, messageOf } from '../core/errors.ts'

/** An append takes milliseconds, and the first of a large lake seconds; who waits longer than this waits for something else. */
export const LOCK_WAIT_MS = 60_000

const POLL_MS = 5

/**
 * Does work while no other process or caller changes the seal. The lock is the operating system's, by way of SQLite: a
 * killed process frees it.
 *
 * @throws AppError LOCKED after `waitMs`, BAD_HOME
 */
export async function withSealLock<T>(folder: string, work: () => Promise<T>, waitMs = LOCK_WAIT_MS): Promise<T> {
  const path = join(folder, 'lock')
  let db: DatabaseSync | undefined
  try {
    await mkdir(folder, { recursive: true })
    db = new DatabaseSync(path)
    db.exec('PRAGMA busy_timeout = 0')
    await locked(db, path, waitMs)
    return await work()
  } catch (cause) {
    if (db !== undefined) throw cause
    throw new AppError('BAD_HOME', `${path} cannot be written: ${messageOf(cause)}`, { where: path, cause })
  } finally {
    db?.close()
  }
}

async function locked(db: DatabaseSync, path: string, waitMs: number): Promise<void> {
  for (const start = performance.now(); ; ) {
    try {
      db.exec('BEGIN EXCLUSIVE')
      return
    } catch (cause) {
      const detail = { where: path, cause }
      if (!/locked|busy/i.test(messageOf(cause))) {
        throw new AppError('BAD_HOME', `${path} cannot be locked: ${messageOf(cause)}`, detail)
      }
      if (performance.now() - start > waitMs) {
        throw new AppError('LOCKED', `Another process has held ${path} for ${Math.round(waitMs / 1000)} s.`, detail)
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
}
