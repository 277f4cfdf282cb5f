import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Home, homeAt } from '../core/home.ts'
import { removeLeftovers, removeScratch, removeServiceLeftovers, scratchFolder, spillingEngine } from './scratch.ts'

/** No system gives a process such a number. */
const NOBODY = 2 ** 30
const ID = '00000000-0000-4000-8000-000000000000'

let folder: string
let home: Home
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-scratch-'))
  home = homeAt(folder)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const make = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) await mkdir(join(home.tmp, name), { recursive: true })
}

it('what a killed service left goes when the next one starts, and what others work with stays', async () => {
  const own = scratchFolder(home, 'download')
  await mkdir(own, { recursive: true })
  await make(`download-other-${NOBODY}-${ID}`, `raw-other-1-${ID}`, 'raw-a1b2c3', 'download-a1b2c3')
  await make(`reader-other-1-${ID}`, `people-other-1-${ID}`, 'sandbox-old', 'sandbox-new', `ingest-other-1-${ID}`)
  await utimes(join(home.tmp, 'sandbox-old'), 0, 0)
  await writeFile(join(home.tmp, `open-${NOBODY}.html`), 'a link')
  await writeFile(join(home.tmp, `open-${process.ppid}.html`), 'a link')
  await removeServiceLeftovers(home)
  const stays = [own.slice(home.tmp.length + 1), `ingest-other-1-${ID}`, `open-${process.ppid}.html`, 'sandbox-new']
  expect((await readdir(home.tmp)).sort()).toEqual(stays.sort())
  await removeScratch(own)
  expect(await readdir(home.tmp)).toHaveLength(3)
})

it('an ingestion leaves alone what a service that runs works with', async () => {
  const own = scratchFolder(home, 'reader')
  await mkdir(own, { recursive: true })
  await make(`spill-${hostname().replaceAll(/[^A-Za-z0-9.]/g, '_')}-${NOBODY}-${ID}`)
  await removeLeftovers(home)
  expect(await readdir(home.tmp)).toEqual([own.slice(home.tmp.length + 1)])
  await removeScratch(own)
})

it('engines that spill at once, while an ingestion clears up, keep what they spilled', async () => {
  const rows = 1_000_000
  const open = () => spillingEngine(home, { memoryLimitMb: 40, threads: 1 })
  const opened = [await open(), await open()]
  try {
    for (const { engine } of opened)
      await engine.run(
        `CREATE TABLE held AS SELECT hash(range)::VARCHAR AS a, hash(range + 1)::VARCHAR AS b FROM range(${rows})`,
      )
    const spilled = await Promise.all((await readdir(home.tmp)).map((name) => readdir(join(home.tmp, name))))
    expect(spilled.map(({ length }) => length > 0)).toEqual([true, true])
    await removeLeftovers(home)
    for (const { engine } of opened)
      expect(await engine.row('SELECT count(*)::INTEGER AS n, bool_and(a <> b) AS isWhole FROM held')).toEqual({
        n: rows,
        isWhole: true,
      })
  } finally {
    for (const { close } of opened) await close()
  }
  expect(await readdir(home.tmp)).toEqual([])
})
