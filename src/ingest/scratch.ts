/** Folders of one ingestion or one engine under the home's tmp, and the removal of those whose process is gone. */
import { randomUUID } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Home } from '../core/home.ts'

const HOST = hostname().replaceAll(/[^A-Za-z0-9.]/g, '_')
const NAME = /^(?:ingest|spill)-(.*)-(\d+)-[0-9a-f-]{36}$/

/** Whether a process of another host lives cannot be told; by then it has ended. */
const FOREIGN_AGE_MS = 7 * 86_400_000

/** Those of this process that are not yet removed. */
const inUse = new Set<string>()

/** Names a folder that is this process's own until {@link removeScratch}; does not make it. */
export function scratchFolder(home: Home, kind: 'ingest' | 'spill'): string {
  const path = join(home.tmp, `${kind}-${HOST}-${process.pid}-${randomUUID()}`)
  inUse.add(path)
  return path
}

/** Removes a folder of {@link scratchFolder}. */
export async function removeScratch(path: string): Promise<void> {
  inUse.delete(path)
  await rm(path, { recursive: true, force: true })
}

/** Removes what killed processes left. Only who holds the writer's place may call it. */
export async function removeLeftovers(home: Home): Promise<void> {
  const names = await readdir(home.tmp).catch(() => [])
  for (const name of names) {
    const path = join(home.tmp, name)
    if (await isAbandoned(path, name)) await rm(path, { recursive: true, force: true })
  }
}

async function isAbandoned(path: string, name: string): Promise<boolean> {
  // A compaction spills right here, and there is none while the writer's place is ours.
  if (name.startsWith('duckdb_temp_')) return true
  const [, host, pid] = NAME.exec(name) ?? []
  if (host === undefined) return false
  if (host !== HOST) return Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0) > FOREIGN_AGE_MS
  return Number(pid) === process.pid ? !inUse.has(path) : !isAlive(Number(pid))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
