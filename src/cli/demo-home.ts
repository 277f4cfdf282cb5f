/** The demo's own home: what is simulated and what happened never share a lake. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { type Home, OWNERS_FOLDER } from '../core/home.ts'

/** The folder used where `--home` names none. `BRICKTRAIL_HOME` does not count here: it names the home of real logs. */
export const DEMO_HOME = 'bricktrail-demo'

/** A file in every home that a demo has used. */
const MARK = 'SIMULATED.txt'
const MARK_TEXT = 'All events in this folder are made up, by `bricktrail demo`. Delete the folder whenever you like.\n'

/** Begin of the name of the folder that holds the simulated logs while they are read. */
const DEMO_LOGS = 'demo-logs-'

/** Makes a home the demo's. Throws BAD_HOME where it holds logs of another origin. */
export async function claimForDemo(home: Home): Promise<void> {
  if (isDemoHome(home)) return
  if (existsSync(home.lake)) {
    throw new AppError('BAD_HOME', `${home.root} holds logs that are not the demo's.`, {
      hint: `Leave --home away, then the demo uses ./${DEMO_HOME}; or name a new folder.`,
    })
  }
  await mkdir(home.root, OWNERS_FOLDER)
  await writeFile(join(home.root, MARK), MARK_TEXT)
}

/** Throws BAD_HOME where a home is the demo's: no logs of the user's may go there. */
export function refuseDemoHome(home: Home): void {
  if (!isDemoHome(home)) return
  throw new AppError('BAD_HOME', `${home.root} holds the simulated account of a demo.`, {
    hint: 'Name another data folder with --home DIR or BRICKTRAIL_HOME, so that your logs stay apart from it.',
  })
}

const isDemoHome = (home: Home): boolean => existsSync(join(home.root, MARK))

/** Where a demo of this process may put its logs; `run` tells two of them apart. */
export const demoLogs = (home: Home, run: string): string => join(home.root, `${DEMO_LOGS}${process.pid}-${run}`)

/** Removes the logs of demos that were ended before they could do so. */
export async function removeLeftoverLogs(home: Home): Promise<void> {
  const names = await readdir(home.root).catch(() => [])
  for (const name of names) {
    if (!name.startsWith(DEMO_LOGS)) continue
    const pid = Number(/^(\d+)-/.exec(name.slice(DEMO_LOGS.length))?.[1])
    if (!isRunning(pid)) await rm(join(home.root, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    // A process of somebody else's runs, too.
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** What to add to the hint of NO_LAKE where the demo's lake is at hand but was not named; undefined where it is not. */
export const demoHint = (): string | undefined =>
  existsSync(join(DEMO_HOME, MARK))
    ? `Run \`bricktrail ingest PATH\` first. The demo's lake is another: ask it with --home ${DEMO_HOME}.`
    : undefined
