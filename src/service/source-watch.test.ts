import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { fixedPart, SourceWatch, type SourceWatchOptions } from './source-watch.ts'

let folder: string
let watch: SourceWatch | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watch-'))
})
afterEach(async () => {
  watch?.close()
  await rm(folder, { recursive: true, force: true })
})

const watching = (options: Partial<SourceWatchOptions> = {}): SourceWatch => {
  watch = new SourceWatch({
    home: homeAt(join(folder, 'home')),
    specs: [folder],
    onHint: () => {},
    settleMs: 1000,
    mayBeMissing: false,
    ...options,
  })
  return watch
}
const put = async (name: string, text: string, ageSecs = 60): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, text)
  const time = new Date(Date.now() - ageSecs * 1000)
  await utimes(path, time, time)
  return path
}
const names = (objects: readonly { path: string }[]) => objects.map(({ path }) => basename(path))

it('gives what is new or changed, once it is taken no more', async () => {
  await put('a.json', '1')
  await put('b.json', '1')
  const source = watching()
  const { fresh, listed } = await source.look(Date.now())
  expect([names(fresh), listed]).toEqual([['a.json', 'b.json'], 2])
  source.took(fresh)
  expect((await source.look(Date.now())).fresh).toEqual([])
  await put('b.json', '22')
  expect(names((await source.look(Date.now())).fresh)).toEqual(['b.json'])
})

it('leaves a file that may still be written to, and says when to look again', async () => {
  await put('a.json', '1', 0)
  const source = watching()
  const nowMs = Date.now()
  const looked = await source.look(nowMs)
  expect(looked).toEqual({ fresh: [], listed: 1, againMs: nowMs + 1000 })
  expect(names((await source.look(nowMs + 1500)).fresh)).toEqual(['a.json'])
})

it('takes a file that never settles, and one from the future, after a while', async () => {
  const source = watching()
  const nowMs = Date.now()
  await put('future.json', '1', -3600)
  expect((await source.look(nowMs)).fresh).toEqual([])
  expect((await source.look(nowMs + 9000)).fresh).toEqual([])
  expect(names((await source.look(nowMs + 10_000)).fresh)).toEqual(['future.json'])
})

it('takes an empty folder and a pattern that fits nothing for sources without files, and refuses a folder that is not there', async () => {
  expect((await watching().look(Date.now())).listed).toBe(0)
  expect((await watching({ specs: [join(folder, 'none', '*.json')] }).look(Date.now())).listed).toBe(0)
  const missing = { specs: [join(folder, 'missing')] }
  await expect(watching(missing).look(Date.now())).rejects.toMatchObject({ code: 'NO_SOURCE' })
  expect((await watching({ ...missing, mayBeMissing: true }).look(Date.now())).listed).toBe(0)
  await expect(watching({ specs: ['-'] }).look(Date.now())).rejects.toMatchObject({ code: 'NO_SOURCE' })
})

it('gives a hint when a file comes into a folder below', async () => {
  const below = join(folder, 'date=2026-11-12')
  await mkdir(below)
  await writeFile(join(below, 'a.json'), '1')
  let hints = 0
  const source = watching({ settleMs: 20, onHint: () => (hints += 1) })
  await source.look(Date.now())
  await source.watchFolders()
  await writeFile(join(below, 'b.json'), '1')
  for (let n = 0; n < 100 && hints === 0; n++) await sleep(20)
  expect(hints).toBeGreaterThan(0)
})

it('knows the part of a pattern that does not vary', () => {
  expect(fixedPart('/a/b/date=*/c.json')).toBe('/a/b')
  expect(fixedPart('/*')).toBe('/')
  expect(fixedPart('/a/b')).toBe('/a/b')
})
