import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openCheckpoint } from './checkpoint.ts'
import { SealKeys } from './keys.ts'
import { SealLog } from './log.ts'
import type { Head } from './log-head.ts'
import { consistencyProofFrom, Frontier, leafHash, verifyConsistency } from './merkle.ts'

/** Enough to meet every step of an append; SEAL_KILLS raises it. */
const KILLS = Number(process.env.SEAL_KILLS ?? 20)
const CHILD = fileURLToPath(new URL('log-crash.fixture.ts', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-crash-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const note = () => readFile(join(folder, 'log/checkpoint'), 'utf8').catch(() => undefined)

/** Lets a child append, collects the checkpoints that others can see meanwhile, and kills it `delayMs` after the first. */
async function killAtWork(delayMs: number): Promise<string[]> {
  const before = await note()
  const child = spawn(process.execPath, [CHILD, folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit')
  const seen = new Set<string>()
  let killAt = Number.POSITIVE_INFINITY
  while (child.exitCode === null && performance.now() < killAt) {
    const found = await note()
    if (found !== undefined && found !== before) seen.add(found)
    if (seen.size > 0) killAt = Math.min(killAt, performance.now() + delayMs)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  child.kill('SIGKILL')
  await exited
  expect(child.signalCode).toBe('SIGKILL')
  return [...seen]
}

/** Each entry is in its place, once, and the head is the root over all of them. */
async function expectWhole(log: SealLog): Promise<Head> {
  const frontier = new Frontier()
  for await (const entry of log.entries()) {
    expect(Buffer.from(entry).toString()).toBe(`entry ${frontier.size}`)
    frontier.append(leafHash(entry))
  }
  const { size, root } = await log.checkpoint().then((checkpoint) => checkpoint ?? expect.unreachable())
  expect([frontier.size, frontier.root()]).toEqual([size, root])
  return { size, root }
}

it(`killed ${KILLS} times at any moment, a log continues every checkpoint ever seen, and nothing is in it twice`, async () => {
  const heads = new Map<bigint, string>()
  for (let kill = 0; kill < KILLS; kill++) {
    const seen = await killAtWork((kill * 7) % 60)
    const keys = await SealKeys.load(folder)
    const log = await SealLog.open(folder, keys, { now: () => new Date() })
    const last = await expectWhole(log)
    for (const text of seen) {
      const { size, root } = openCheckpoint(text, keys.verifiers)
      expect(heads.get(size) ?? text).toBe(text)
      heads.set(size, text)
      expect(size).toBeLessThanOrEqual(last.size)
      const proof = await consistencyProofFrom(log.hashReader(), size, last.size)
      const claim = { size1: size, size2: last.size, root1: root, root2: last.root, proof }
      expect(verifyConsistency(claim)).toBeUndefined()
    }
  }
  expect(heads.size).toBeGreaterThanOrEqual(KILLS)
  // Of every size there is one note, and what anybody saw of it is that one.
  for (const name of (await readdir(join(folder, 'checkpoints'))).filter((found) => !found.startsWith('.'))) {
    const kept = await readFile(join(folder, 'checkpoints', name), 'utf8')
    expect(heads.get(BigInt(name)) ?? kept).toBe(kept)
  }
}, 300_000)

it('keeps every entry of two processes that append at once', async () => {
  const run = () => spawn(process.execPath, [CHILD, folder], { stdio: ['ignore', 'ignore', 'pipe'] })
  await SealKeys.load(folder)
  const children = [run(), run()]
  const exits = children.map((child) => once(child, 'exit'))
  const complaints: Buffer[] = []
  for (const child of children) child.stderr?.on('data', (chunk: Buffer) => complaints.push(chunk))
  await expect.poll(note, { timeout: 30_000 }).toBeDefined()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(exits)
  expect(Buffer.concat(complaints).toString()).toBe('')
  const log = await SealLog.open(folder, await SealKeys.load(folder), { now: () => new Date() })
  const frontier = new Frontier()
  for await (const entry of log.entries()) frontier.append(leafHash(entry))
  expect(frontier.size).toBeGreaterThan(2n)
  expect(frontier.root()).toEqual((await log.checkpoint())?.root)
}, 60_000)
