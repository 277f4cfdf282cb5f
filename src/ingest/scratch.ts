/** Folders of one piece of work under the home's tmp, and the removal of those whose process is gone. */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Home, OWNERS_FOLDER } from '../core/home.ts'
import { Engine, type EngineOptions } from '../engine/duckdb.ts'

const HOST = hostname().replaceAll(/[^A-Za-z0-9.]/g, '_')
/** Work that may go on in any process, and work that only the service does, of which a home has one. */
type SharedWork = 'ingest' | 'spill'
const OF_SERVICE = ['download', 'raw', 'reader', 'people'] as const
type Work = SharedWork | (typeof OF_SERVICE)[number]
const NAME = new RegExp(`^(?:ingest|spill|${OF_SERVICE.join('|')})-(.*)-(\\d+)-[0-9a-f-]{36}$`)
const NAME_OF_SERVICE = new RegExp(`^(?:${OF_SERVICE.join('|')})-`)
/** A page that opens a browser, of a process that is named; and what the command line's own statements leave. */
const PAGE = /^open-(\d+)\.html$/
const UNNAMED = /^sandbox-/
const UNNAMED_AGE_MS = 86_400_000

/** Whether a process of another host lives cannot be told; by then it has ended. */
const FOREIGN_AGE_MS = 7 * 86_400_000

/** Those of this process that are not yet removed. */
const inUse = new Set<string>()

/** Names a folder that is this process's own until {@link removeScratch}; does not make it. */
export function scratchFolder(home: Home, kind: Work): string {
  const path = join(home.tmp, `${kind}-${HOST}-${process.pid}-${randomUUID()}`)
  inUse.add(path)
  return path
}

/** Removes a folder of {@link scratchFolder}. */
export async function removeScratch(path: string): Promise<void> {
  inUse.delete(path)
  await rm(path, { recursive: true, force: true })
}

/** An engine that spills into a folder of its own: two in one folder write over, and remove, each other's files. */
export async function spillingEngine(
  home: Home,
  options: Omit<EngineOptions, 'tempDir'> = {},
): Promise<{ readonly engine: Engine; close(): Promise<void> }> {
  const tempDir = scratchFolder(home, 'spill')
  try {
    // The engine makes no more than the last folder of a path.
    await mkdir(tempDir, OWNERS_FOLDER)
    const engine = await Engine.open({ ...options, tempDir })
    return {
      engine,
      close: () => {
        engine.close()
        return removeScratch(tempDir)
      },
    }
  } catch (cause) {
    await removeScratch(tempDir)
    throw cause
  }
}

/** Removes what killed processes left. Only who holds the writer's place may call it. */
export async function removeLeftovers(home: Home): Promise<void> {
  const names = await readdir(home.tmp).catch(() => [])
  for (const name of names) {
    const path = join(home.tmp, name)
    if (await isAbandoned(path, name)) await rm(path, { recursive: true, force: true })
  }
}

/** Removes what a killed service left, whatever host it ran on. Only who holds the place of the home's service may call it. */
export async function removeServiceLeftovers(home: Home): Promise<void> {
  for (const name of await readdir(home.tmp).catch(() => [])) {
    const path = join(home.tmp, name)
    const [, pid] = PAGE.exec(name) ?? []
    const isLeft =
      pid === undefined
        ? (NAME_OF_SERVICE.test(name) && !inUse.has(path)) ||
          (UNNAMED.test(name) && (await ageOf(path)) > UNNAMED_AGE_MS)
        : Number(pid) !== process.pid && !isAlive(Number(pid))
    if (isLeft) await rm(path, { recursive: true, force: true })
  }
}

async function isAbandoned(path: string, name: string): Promise<boolean> {
  const [, host, pid] = NAME.exec(name) ?? []
  if (host === undefined) return false
  if (host !== HOST) return (await ageOf(path)) > FOREIGN_AGE_MS
  return Number(pid) === process.pid ? !inUse.has(path) : !isAlive(Number(pid))
}

const ageOf = async (path: string): Promise<number> =>
  Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0)

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
