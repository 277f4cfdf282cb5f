import { createHash } from 'node:crypto'
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkSeal } from '../../ask/seal-state.ts'
import { inShort, leavesOf, verified, vkeyOf } from '../../ingest/sealed-home.fixture.ts'
import { deliveryLines, NOW, TakingBench } from '../../ingest/taking.fixture.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { settingsPath } from '../../seal/settings.ts'
import { type Recorded, runCommand } from '../recorded-cli.fixture.ts'
import { registerCompact } from './compact.ts'
import { registerSeal } from './seal.ts'

let bench: TakingBench
beforeEach(async () => {
  bench = await TakingBench.open()
})
afterEach(() => bench.close())

const seal = (...argv: readonly string[]): Promise<Recorded> =>
  runCommand(registerSeal, ['seal', ...argv], { home: bench.home.root, now: NOW })
const at = (path: string): string => join(bench.home.root, path)
const take = async (name: string, from: number) => bench.take(await bench.file(name, deliveryLines(from, from + 2)))
const leaves = async () => inShort(await leavesOf(bench.home))

describe('bricktrail seal', () => {
  it('says that there is nothing yet, before anything was ingested', async () => {
    for (const words of [[], ['status'], ['checkpoint'], ['anchor'], ['key', 'rotate'], ['restore', '--reason', 'x']])
      await expect(seal(...words)).rejects.toMatchObject({ code: 'NO_LAKE' })
    expect(await checkSeal(bench.home)).toMatchObject({ state: 'ok', finding: 'nothing sealed yet' })
  })

  it('tells how far the log goes, and that nothing outside knows it', async () => {
    await take('a.json', 1)
    const { out, notes, exitCode } = await seal()
    expect(exitCode).toBe(0)
    expect(out).toContain(`key         ${await vkeyOf(bench.home)}\n`)
    expect(out).toContain('leaves      3\n')
    expect(out).toContain('events      sealed up to version 0\n')
    expect(out).toContain('unsealed    nothing\n')
    expect(out).toContain('raw         received bytes are kept, not encrypted\n')
    expect(notes).toMatch(/nothing outside knows this log/)
    const state = JSON.parse((await seal('status', '--json')).out)
    expect(state).toMatchObject({ size: '3', sealed: { events: 0 }, unsealed: 0, behind: [], anchors: [] })
    expect(state.root).toMatch(/^[0-9a-f]{64}$/)
  })

  it('tells of commits that are not sealed, with a finding', async () => {
    await take('a.json', 1)
    await DeltaTable.at(bench.home.events, EVENTS_TABLE).commit({ adds: [], operation: 'WRITE', nowMs: 1 })
    const { out, exitCode } = await seal('status')
    expect([out.includes('unsealed    1 commits; the next `bricktrail ingest` seals them'), exitCode]).toEqual([
      true,
      1,
    ])
    expect(await checkSeal(bench.home)).toMatchObject({
      state: 'warning',
      finding: '3 leaves, commits not sealed: 1, no anchors',
    })
  })

  it('prints the checkpoint as it was signed, to be kept elsewhere', async () => {
    await take('a.json', 1)
    const note = await readFile(at('seal/log/checkpoint'), 'utf8')
    expect((await seal('checkpoint')).out).toBe(note)
    expect(JSON.parse((await seal('checkpoint', '--json')).out)).toEqual({ checkpoint: note })
  })

  it('is refused, not passed over, where its public key is gone', async () => {
    await take('a.json', 1)
    await rm(at('seal/keys/log.vkey'))
    await expect(seal()).rejects.toMatchObject({ code: 'BAD_KEY' })
    expect(await checkSeal(bench.home)).toMatchObject({ state: 'failed' })
  })
})

describe('bricktrail seal key', () => {
  it('shows the public keys, the newest first, before and after a rotation', async () => {
    await take('a.json', 1)
    const first = await vkeyOf(bench.home)
    expect((await seal('key', 'show')).out).toBe(`${first}\n`)
    const { out, notes } = await seal('key', 'rotate')
    expect(notes).toMatch(/Give it to whoever verifies/)
    const second = out.trim()
    expect(second).not.toBe(first)
    expect((await seal('key', 'show')).out).toBe(`${second}\n${first}\n`)
    expect(JSON.parse((await seal('key', 'show', '--json')).out)).toEqual({ keys: [second, first] })
    await take('b.json', 11)
    expect((await leaves()).slice(3)).toEqual(['key', 'commit events 1'])
    expect((await verified(bench.home)).findings).toEqual([])
  })

  it('takes a key from elsewhere, and refuses one that others can read', async () => {
    await take('a.json', 1)
    const { generateKeyPairSync } = await import('node:crypto')
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
    const path = await bench.file('given.pem', String(pem))
    await expect(seal('key', 'rotate', '--to', `file:${path}`)).rejects.toMatchObject({ code: 'BAD_KEY' })
    expect(await leaves()).toHaveLength(3)
    await chmod(path, 0o600)
    const { key } = JSON.parse((await seal('key', 'rotate', '--to', `file:${path}`, '--json')).out)
    expect(key).toBe(await vkeyOf(bench.home))
    // The home has no copy of it, so it must be told where the key is.
    expect((await readdir(at('seal/keys'))).filter((name) => name.endsWith('.key'))).toEqual([])
    await expect(take('b.json', 11)).rejects.toMatchObject({ code: 'BAD_KEY' })
    await writeFile(settingsPath(bench.home), JSON.stringify({ signingKey: `file:${path}` }))
    await take('b.json', 11)
    expect((await verified(bench.home)).findings).toEqual([])
  })
})

describe('bricktrail seal restore', () => {
  it('writes nothing where nothing was put back', async () => {
    await take('a.json', 1)
    const { out } = await seal('restore', '--reason', 'no reason')
    expect(out).toContain('nothing was written')
    expect(await leaves()).toHaveLength(3)
  })

  it('says in the log that the lake was put back, after which ingestion goes on', async () => {
    await take('a.json', 1)
    await cp(bench.home.lake, join(bench.folder, 'backup'), { recursive: true })
    await take('b.json', 11)
    await rm(bench.home.lake, { recursive: true })
    await cp(join(bench.folder, 'backup'), bench.home.lake, { recursive: true })
    const before = await seal()
    expect(before.exitCode).toBe(1)
    expect(before.out).toContain('BEHIND      events ends at version 0, and version 1 was sealed\n')
    expect(await checkSeal(bench.home)).toMatchObject({
      state: 'failed',
      hint: expect.stringContaining('seal restore'),
    })
    await expect(take('c.json', 21)).rejects.toMatchObject({ code: 'SEAL_FORKED' })
    const { out } = await seal('restore', '--reason', 'disk 3 broke')
    expect(out).toContain('events: 1 sealed commits are no longer in the lake')
    await take('c.json', 21)
    expect((await leaves()).slice(4)).toEqual(['restore events 0', 'commit events 1'])
    const { findings, statements } = await verified(bench.home)
    expect(findings).toEqual([])
    expect(statements).toContainEqual(expect.stringContaining('disk 3 broke'))
  })
})

describe('bricktrail seal anchor', () => {
  it('has nothing to do without anchors', async () => {
    await take('a.json', 1)
    const { out, notes, exitCode } = await seal('anchor')
    expect([out, exitCode]).toEqual(['', 0])
    expect(notes).toMatch(/names no witnesses, timestamps or copies/)
  })

  it('need not be called after a rotation, a restore or a compaction', async () => {
    await take('a.json', 1)
    await cp(bench.home.lake, join(bench.folder, 'backup'), { recursive: true })
    await take('b.json', 11)
    const copies = join(bench.folder, 'copies')
    await mkdir(copies)
    await writeFile(settingsPath(bench.home), JSON.stringify({ copies: [{ kind: 'folder', path: copies }] }))
    const newest = async () => {
      const names = await readdir(copies, { recursive: true })
      return Math.max(...names.map((name) => Number(/\d{20}$/.exec(name)?.[0] ?? 0)))
    }
    await seal('key', 'rotate')
    expect([await newest(), (await leaves()).at(-1)]).toEqual([6, 'key'])
    await rm(bench.home.lake, { recursive: true })
    await cp(join(bench.folder, 'backup'), bench.home.lake, { recursive: true })
    await seal('restore', '--reason', 'a disk broke')
    expect([await newest(), (await leaves()).at(-1)]).toEqual([7, 'restore events 0'])
    for (let from = 21; from < 26; from++) await take(`${from}.json`, from)
    await rm(copies, { recursive: true })
    await writeFile(copies, 'no folder')
    const { notes, exitCode } = await runCommand(registerCompact, ['compact'], { home: bench.home.root, now: NOW })
    expect(notes).toMatch(/warning: folder \S+ did not take the checkpoint: /)
    expect(exitCode).toBe(0)
  })

  it('brings the checkpoint to a folder of copies; ingestion does so too, and a failure shows', async () => {
    await take('a.json', 1)
    const copies = join(bench.folder, 'copies')
    await writeFile(settingsPath(bench.home), JSON.stringify({ copies: [{ kind: 'folder', path: copies }] }))
    await mkdir(copies)
    const report = await take('b.json', 11)
    expect(report.anchors).toMatchObject([{ outcome: 'anchored' }])
    expect((await readdir(copies, { recursive: true })).some((name) => name.includes('00000000000000000005'))).toBe(
      true,
    )
    expect((await seal()).out).toMatch(/anchor +\S.*: checkpoint 5 at /)
    await rm(copies, { recursive: true })
    await writeFile(copies, 'no folder')
    await take('c.json', 21)
    const { out, exitCode } = await seal()
    expect(out).toMatch(/anchor .*FAILS: /)
    expect(exitCode).toBe(1)
    expect(await checkSeal(bench.home)).toMatchObject({
      state: 'warning',
      hint: expect.stringContaining('seal anchor'),
    })
  })
})

describe('bricktrail seal raw', () => {
  it('gives back what was received, byte for byte, and names what it does not have', async () => {
    const text = deliveryLines(1, 3)
    const path = await bench.file('a.json', text)
    await bench.take(path)
    const digest = createHash('sha256').update(text).digest('hex')
    expect((await seal('raw', digest)).out).toBe(text)
    const copy = join(bench.folder, 'copy.json')
    await seal('raw', digest, '--out', copy)
    expect(await readFile(copy, 'utf8')).toBe(text)
    expect(await readdir(bench.folder)).not.toContain('copy.json.unfinished')
    await expect(seal('raw', digest.replace(/./g, '0'))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  it('writes no file of bytes that are not what was received', async () => {
    const text = deliveryLines(1, 3)
    await bench.take(await bench.file('a.json', text))
    const digest = createHash('sha256').update(text).digest('hex')
    const [name = ''] = await readdir(at(`raw/${digest.slice(0, 2)}`))
    await writeFile(at(`raw/${digest.slice(0, 2)}/${name}`), 'something else')
    const copy = join(bench.folder, 'copy.json')
    await expect(seal('raw', digest, '--out', copy)).rejects.toMatchObject({ code: 'BAD_SEAL' })
    await expect(readFile(copy)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
