import { generateKeyPairSync } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localStore } from '../lake/stores/local.ts'
import { canonical, type Entry, entryBytes } from './entry.ts'
import { SealKeys } from './keys.ts'
import { SealLog, type SignedHead } from './log.ts'
import { headText } from './log-head.ts'
import { isSignedBy, type Pending, readPending, writePending } from './log-pending.ts'
import { rootOfData } from './merkle.ts'
import { type Signer, signerOf } from './note.ts'

const ORIGIN = 'example.com/trail'
const now = () => new Date(1_762_950_000_000)
const pem = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const stranger = (): Signer => signerOf(ORIGIN, generateKeyPairSync('ed25519').privateKey)
const leaves = (count: number, from = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => Buffer.from(`entry ${from + at}`))
const entry = (told: object): Uint8Array =>
  entryBytes({ v: 1, time: now().toISOString(), generator: 'test', ...told } as Entry)

let folder: string
let head: SignedHead
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-pending-'))
  process.env.SEAL_TEST_KEY = pem()
  head = await (await open()).append(leaves(3))
})
afterEach(async () => {
  delete process.env.SEAL_TEST_KEY
  delete process.env.SEAL_TEST_NEXT
  await rm(folder, { recursive: true, force: true })
})

const seal = () => join(folder, 'seal')
const load = (reference = 'env:SEAL_TEST_KEY', at = seal()) => SealKeys.load(at, { reference, origin: ORIGIN })
const open = async (reference?: string, at = seal()) => SealLog.open(at, await load(reference, at), { now })
const store = () => localStore(seal())

/** The append of entries after the log's head. */
const appendOf = (entries: readonly Uint8Array[], from = leaves(3)): Pending => ({
  from: { size: BigInt(from.length), root: rootOfData(from) },
  to: { size: BigInt(from.length + entries.length), root: rootOfData([...from, ...entries]) },
  time: now().toISOString(),
  references: {},
  entries,
})

/** The home is refused, and its log and keys stay as they are. */
async function expectRefused(message = /was not signed by example\.com\/trail/) {
  const guard = await readFile(join(seal(), 'keys/head.json'), 'utf8')
  const log = open()
  await expect(log).rejects.toMatchObject({ code: 'BAD_SEAL', message: expect.stringMatching(message) })
  expect(await readFile(join(seal(), 'log/checkpoint'), 'utf8')).toBe(head.note)
  expect(await readdir(join(seal(), 'checkpoints'))).toEqual(['00000000000000000003'])
  expect(await readFile(join(seal(), 'keys/head.json'), 'utf8')).toBe(guard)
  expect(await readFile(join(seal(), 'keys/log.vkey'), 'utf8')).toBe(`${(await load()).vkey}\n`)
}

describe('the record of an append that the log’s key has not signed', () => {
  const restore = () => entry({ kind: 'restore', table: 'events', version: 0, undone: 4, reason: 'x', sealed: {} })

  it('is refused whatever it tells: a restore, a change of keys', async () => {
    const { vkey: previous } = await load()
    const attacker = stranger()
    const pemOf = attacker.privateKey.export({ type: 'pkcs8', format: 'pem' })
    await writeFile(join(seal(), `keys/${attacker.id}.key`), pemOf, { mode: 0o600 })
    await writeFile(join(seal(), `keys/${encodeURIComponent(ORIGIN)}+${attacker.id}.vkey`), `${attacker.vkey}\n`)
    for (const told of [restore(), entry({ kind: 'key', vkey: attacker.vkey, previous })]) {
      for (const signers of [[], [attacker]]) {
        await writePending(store(), appendOf([told]), signers)
        await expectRefused()
      }
    }
  })

  it('is refused in the form that had no signatures', async () => {
    const { from, to, time, entries } = appendOf([restore()])
    const told = { v: 1, from: headText(from), to: headText(to), time, signers: [(await load()).vkey] }
    const record = { ...told, entries: entries.map((one) => Buffer.from(one).toString('base64')) }
    await store().put('pending.json', Buffer.from(canonical(record)))
    await expectRefused(/is not the record of an append/)
  })

  it('is refused when a signed one was altered, or carries a signature made for something else', async () => {
    const { active } = await load()
    await writePending(store(), appendOf(leaves(1, 3)), [active])
    const { signatures } = JSON.parse(await readFile(join(seal(), 'pending.json'), 'utf8'))
    await writePending(store(), appendOf([restore()]), [])
    const forged = JSON.parse(await readFile(join(seal(), 'pending.json'), 'utf8'))
    const ofCheckpoint = `${head.note.split('\n\n')[1]}`
    for (const lines of [signatures, [ofCheckpoint], [...signatures, ofCheckpoint], ['no signature\n'], ['']]) {
      await store().put('pending.json', Buffer.from(canonical({ ...forged, signatures: lines })))
      await expectRefused()
    }
  })

  it('is refused when only the key that takes over has not signed', async () => {
    const { active } = await load()
    const attacker = stranger()
    const told = entry({ kind: 'key', vkey: attacker.vkey, previous: active.vkey })
    await writePending(store(), appendOf([told]), [active])
    await expectRefused()
  })

  it('is refused when another home began it, though with the same private key', async () => {
    const other = join(folder, 'other')
    const keys = await SealKeys.load(other, { reference: 'env:SEAL_TEST_KEY', origin: 'example.com/other' })
    await writePending(store(), appendOf([restore()]), [keys.active])
    await expectRefused()
  })
})

describe('the record of an append that is over', () => {
  it('does nothing when it is put back, and is refused when the log has gone on', async () => {
    const { active } = await load()
    const entries = leaves(2, 3)
    const { note } = await (await open()).append(entries)
    await writePending(store(), appendOf(entries), [active])
    expect(await (await open()).note()).toBe(note)
    expect(await readPending(store())).toBeUndefined()
    const later = await (await open()).append(leaves(1, 5))
    await writePending(store(), appendOf(entries), [active])
    await expect(open()).rejects.toMatchObject({ code: 'SEAL_FORKED' })
    await rm(join(seal(), 'pending.json'))
    expect(await (await open()).note()).toBe(later.note)
  })

  it('does not bring a key back that another took over from', async () => {
    process.env.SEAL_TEST_NEXT = pem()
    const keys = await load()
    const { active } = keys
    const log = await SealLog.open(seal(), keys, { now })
    const told = entry({ kind: 'key', ...(await keys.prepareRotation('env:SEAL_TEST_NEXT')) })
    await log.append([told])
    await writePending(store(), appendOf(leaves(1, 4), [...leaves(3), told]), [active])
    await expect(open('env:SEAL_TEST_NEXT')).rejects.toMatchObject({ code: 'BAD_SEAL' })
  })
})

it('is signed for one log, by its key and no other', async () => {
  const { active } = await load()
  await writePending(store(), appendOf(leaves(1, 3)), [active])
  const pending = (await readPending(store())) ?? expect.unreachable()
  expect(isSignedBy(pending, active)).toBe(true)
  expect(isSignedBy(pending, stranger())).toBe(false)
  expect(isSignedBy(pending, signerOf('example.com/other', active.privateKey))).toBe(false)
  expect((await open()).size).toBe(4n)
})

describe('a change to a key given by reference', () => {
  /** A home in which it stopped after the record was written, and what the home comes to. */
  async function interrupted() {
    process.env.SEAL_TEST_NEXT = pem()
    const keys = await load()
    const [before, after] = [join(folder, 'before'), join(folder, 'after')]
    await cp(seal(), before, { recursive: true })
    const log = await SealLog.open(seal(), keys, { now })
    const told = await keys.prepareRotation('env:SEAL_TEST_NEXT')
    const signers = [keys.next ?? [], keys.active].flat()
    const references = keys.referencesOf(signers)
    expect(references).toEqual({ [told.vkey]: 'env:SEAL_TEST_NEXT', [told.previous]: 'env:SEAL_TEST_KEY' })
    const entries = [entry({ kind: 'key', ...told })]
    const { note } = await log.append(entries)
    await cp(seal(), after, { recursive: true })
    await rm(seal(), { recursive: true })
    await cp(before, seal(), { recursive: true })
    await writePending(store(), { ...appendOf(entries), references }, signers)
    return { note, after, told }
  }

  it.each(['env:SEAL_TEST_KEY', 'env:SEAL_TEST_NEXT'])('is finished by one who refers to %s', async (reference) => {
    const { note, told } = await interrupted()
    const log = await open(reference)
    expect(await log.note()).toBe(note)
    expect((await log.append(leaves(1))).size).toBe(5n)
    expect((await load('env:SEAL_TEST_NEXT')).vkey).toBe(told.vkey)
    expect((await open('env:SEAL_TEST_NEXT')).size).toBe(5n)
  })

  it('needs the key before only until both have signed', async () => {
    const { note, after, told } = await interrupted()
    delete process.env.SEAL_TEST_KEY
    await expect(open('env:SEAL_TEST_NEXT')).rejects.toMatchObject({
      code: 'BAD_KEY',
      message: expect.stringMatching(/change of keys was interrupted, and .* not at hand: .* no SEAL_TEST_KEY/),
    })
    for (const path of ['log', 'checkpoints', 'keys/head.json']) {
      await cp(join(after, path), join(seal(), path), { recursive: true })
    }
    const log = await open('env:SEAL_TEST_NEXT')
    expect(await log.note()).toBe(note)
    expect((await load('env:SEAL_TEST_NEXT')).vkey).toBe(told.vkey)
    expect((await log.append(leaves(1))).size).toBe(5n)
  })

  it('says which key it needs', async () => {
    await interrupted()
    delete process.env.SEAL_TEST_NEXT
    await expect(open()).rejects.toMatchObject({ code: 'BAD_KEY', message: expect.stringMatching(/no SEAL_TEST_NEXT/) })
  })

  it('does not let a log of a stranger be continued by the key referred to', async () => {
    await interrupted()
    await rm(seal(), { recursive: true })
    const attacker = stranger()
    const pemOf = String(attacker.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    process.env.SEAL_TEST_THEIRS = pemOf
    await (await open('env:SEAL_TEST_THEIRS')).append(leaves(3))
    delete process.env.SEAL_TEST_THEIRS
    await writeFile(join(seal(), `keys/${attacker.id}.key`), pemOf, { mode: 0o600 })
    const honest = signerOf(ORIGIN, (await load('env:SEAL_TEST_NEXT', join(folder, 'own'))).active.privateKey)
    const told = entry({ kind: 'key', vkey: honest.vkey, previous: attacker.vkey })
    await writePending(store(), appendOf([told]), [attacker])
    await expect(open('env:SEAL_TEST_NEXT')).rejects.toMatchObject({
      code: 'BAD_KEY',
      message: expect.stringMatching(/which signs this log/),
    })
    await writePending(store(), appendOf([entry({ kind: 'key', vkey: 1, previous: attacker.vkey })]), [attacker])
    await expect(open('env:SEAL_TEST_NEXT')).rejects.toMatchObject({ code: 'BAD_SEAL' })
  })
})
