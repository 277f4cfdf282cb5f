/** Data of the benchmark: made once, kept under `bench-data/`, made again when what makes it has changed. */
import { createHash } from 'node:crypto'
import { cp, link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EVENT_COLUMNS } from '../src/core/event.ts'
import { homeAt } from '../src/core/home.ts'
import { schemaTag } from '../src/lake/schema.ts'
import { run } from './processes.ts'
import type { ParamsOf, WorkName } from './works.ts'

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Where the data is; git does not look at it. */
export const DATA = join(ROOT, 'bench-data')

/** Every data set comes from these, so that two runs of the benchmark measure the same. */
const SEED = { account: 1, small: 2, day: 3, batches: 4 } as const

/** Gzip logs of a week of an account; a folder. */
export const account = (events: number): Promise<string> =>
  made({
    name: `account-${events}`,
    work: 'simulate',
    params: (out) => ({ out, events, days: 7, seed: SEED.account, gzip: true }),
  })

/** Plain objects of 25 events, about 20 KB each; a folder. */
export const smallObjects = (objects: number): Promise<string> =>
  made({
    name: `small-${objects}`,
    work: 'small-objects',
    params: (out) => ({ out, objects, eventsEach: 25, seed: SEED.small }),
  })

/** Objects of 1,000 events of one day; a folder with one folder for each kind. */
export const batches = (objects: number): Promise<string> =>
  made({
    name: `batches-${objects}`,
    work: 'batches',
    params: (out) => ({ out, objects, eventsEach: 1000, seed: SEED.batches }),
  })

/** A home whose lake holds one day of so many events. */
export const day = (events: number): Promise<string> =>
  made({
    name: `day-${events}`,
    work: 'day',
    params: (home) => ({ home, events, seed: SEED.day }),
    madeOf: schemaTag(EVENT_COLUMNS),
    isHome: true,
  })

/** A home whose lake holds a week of so many events, each day sorted by time. */
export const lake = async (events: number): Promise<string> => {
  const source = await account(events)
  return made({
    name: `lake-${events}`,
    work: 'lake',
    params: (home) => ({ home, source }),
    madeOf: schemaTag(EVENT_COLUMNS),
    isHome: true,
  })
}

/** The cache folder of a home where everything that is compiled once is compiled. */
async function warmCache(): Promise<string> {
  const home = join(DATA, 'warm')
  await run('warm', { home })
  return homeAt(home).cache
}

/** A new home in `folder` with a warm cache and the lake of `like`, if given. Data files are linked: they never change. */
export async function freshHome(folder: string, name: string, like?: string): Promise<string> {
  const home = homeAt(join(folder, name))
  await cp(await warmCache(), home.cache, { recursive: true })
  if (like === undefined) return home.root
  const { lake } = homeAt(like)
  for (const entry of await readdir(lake, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const to = join(home.lake, entry.parentPath.slice(lake.length), entry.name)
    await mkdir(dirname(to), { recursive: true })
    await link(join(entry.parentPath, entry.name), to)
  }
  return home.root
}

interface Making<N extends WorkName> {
  readonly name: string
  readonly work: N
  readonly params: (out: string) => ParamsOf<N>
  /** What else the data depends on. */
  readonly madeOf?: string
  /** Gets a warm cache first. */
  readonly isHome?: true
}

/** The folder, made by a piece of work unless it stands there whole. */
async function made<N extends WorkName>({ name, work, params, madeOf = '', isHome }: Making<N>): Promise<string> {
  const out = join(DATA, name)
  const key = `${JSON.stringify(params(name))} ${await makers()} ${madeOf}\n`
  const mark = `${out}.made`
  if ((await readFile(mark, 'utf8').catch(() => '')) === key) return out
  process.stderr.write(`making bench-data/${name}\n`)
  for (const old of [mark, out, `${out}.whole`, `${out}.base`, `${out}.logs`])
    await rm(old, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  if (isHome)
    for (const home of [out, `${out}.base`]) await cp(await warmCache(), homeAt(home).cache, { recursive: true })
  await run(work, params(out))
  await writeFile(mark, key)
  return out
}

/** Fingerprint of the simulator and of what makes data out of its logs. */
async function makers(): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of ['src/simulate', 'bench/works']) {
    const names = await readdir(join(ROOT, folder), { recursive: true })
    for (const name of names.sort()) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue
      if (folder === 'bench/works' && !DATA_WORKS.includes(name)) continue
      hash.update(name).update(await readFile(join(ROOT, folder, name)))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

const DATA_WORKS: readonly string[] = ['simulate.ts', 'small-objects.ts', 'batches.ts', 'day.ts', 'lake.ts']

/** Bytes of all files in a folder and below. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return (await Promise.all(files.map((path) => stat(path)))).reduce((sum, { size }) => sum + size, 0)
}
