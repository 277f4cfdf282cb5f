import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localStore } from '../lake/stores/local.ts'
import { entryBytes, type KeyEntry } from './entry.ts'
import { SealKeys } from './keys.ts'
import { SealLog, type SignedHead } from './log.ts'
import { writePending } from './log-pending.ts'
import { rootOfData } from './merkle.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-heal-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const now = () => new Date(1_762_950_000_000)
const load = async (at: string) => {
  const keys = await SealKeys.load(at, { origin: 'example.com/trail' })
  return { keys, log: await SealLog.open(at, keys, { now }) }
}
const leaves = (count: number, from = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => Buffer.from(`entry ${from + at}`))

const pendingOf = (entries: readonly Uint8Array[]) => ({ time: now().toISOString(), references: {}, entries })

/** Files of a folder with their contents, lock and temporary files left out. */
async function contents(at: string): Promise<Record<string, string>> {
  const names = (await readdir(at, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const paths = names.map((entry) => join(entry.parentPath, entry.name)).filter((path) => !/lock$/.test(path))
  const pairs = await Promise.all(paths.map(async (path) => [path.slice(at.length + 1), await readFile(path, 'hex')]))
  return Object.fromEntries(pairs.sort())
}

/** What an append changes on disk, in the order in which it does. */
const STEPS: readonly (readonly string[])[] = [
  [],
  ['log/tile/entries'],
  ['log/tile'],
  ['keys/head.json'],
  ['checkpoints'],
  ['log/checkpoint'],
]

describe.each(STEPS.map((_, at) => at))('an append that was interrupted after step %i', (step) => {
  /** The folder before an append, what it became by it, and a copy of the first that stopped on the way. */
  async function interrupted(entries: (keys: SealKeys) => Promise<readonly Uint8Array[]>) {
    const [at, before] = [join(folder, 'seal'), join(folder, 'before')]
    const { keys, log } = await load(at)
    const from = await log.append(leaves(250))
    const { active } = keys
    const told = await entries(keys)
    const signers = [keys.next ?? [], active].flat()
    await cp(at, before, { recursive: true })
    const to = await log.append(told)
    const after = join(folder, 'after')
    await cp(at, after, { recursive: true })
    for (const path of STEPS.slice(0, step + 1).flat()) {
      await cp(join(after, path), join(before, path), { recursive: true })
    }
    await writePending(localStore(before), { ...pendingOf(told), from, to }, signers)
    return { before, after, to }
  }

  const expectHealed = async (stopped: string, after: string, to: SignedHead, entries: number) => {
    const { log } = await load(stopped)
    expect(await contents(stopped)).toEqual(await contents(after))
    expect(await log.note()).toBe(to.note)
    expect(log.size).toBe(BigInt(entries))
    const { root } = await log.append(leaves(1, entries))
    expect(root).toHaveLength(32)
    return root
  }

  it('is finished as it was begun, file for file', async () => {
    const { before, after, to } = await interrupted(async () => leaves(10, 250))
    expect(await expectHealed(before, after, to, 260)).toEqual(rootOfData(leaves(261)))
  })

  it('changes the key if it was to', async () => {
    const { before, after, to } = await interrupted(async (keys) => {
      const told = await keys.prepareRotation()
      const entry: KeyEntry = { v: 1, kind: 'key', time: now().toISOString(), generator: 'test', ...told }
      return [entryBytes(entry)]
    })
    await expectHealed(before, after, to, 251)
  })
})

it('finishes a change of keys that had come as far as the new key signing', async () => {
  const at = join(folder, 'seal')
  const { keys, log } = await load(at)
  const from = await log.append(leaves(2))
  const told = await keys.prepareRotation()
  const signers = [keys.next ?? [], keys.active].flat()
  const entries = [entryBytes({ v: 1, kind: 'key', time: now().toISOString(), generator: 'test', ...told })]
  const to = await log.append(entries)
  const done = await contents(at)
  await writePending(localStore(at), { ...pendingOf(entries), from, to }, signers)
  expect((await load(at)).log.size).toBe(3n)
  expect(await contents(at)).toEqual(done)
})

it('refuses what an interrupted append left if it leads elsewhere', async () => {
  const at = join(folder, 'seal')
  const { keys, log } = await load(at)
  const from = await log.append(leaves(2))
  const pending = { ...pendingOf(leaves(1, 2)), from }
  const wrong = { size: 3n, root: rootOfData(leaves(3, 9)) }
  await writePending(localStore(at), { ...pending, to: wrong }, [keys.active])
  await expect(load(at)).rejects.toMatchObject({ code: 'SEAL_FORKED' })
  const to = { size: 3n, root: rootOfData(leaves(3)) }
  await writePending(localStore(at), { ...pending, from: wrong, to }, [keys.active])
  await expect(load(at)).rejects.toMatchObject({ code: 'SEAL_FORKED' })
  await writePending(localStore(at), { ...pending, to }, [keys.active])
  expect((await load(at)).log.size).toBe(3n)
})
