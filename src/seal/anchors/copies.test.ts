import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { signNote } from '../note.ts'
import { keyOf, SignedLog } from '../witness/signed-log.fixture.ts'
import type { AnchoredCheckpoint } from './contract.ts'
import { type CopyStore, copyKey, fetchCopies, keepCopy } from './copies.ts'
import { folderCopies } from './folder.ts'

const ORIGIN = 'example.com/log'
const LOG_KEY = keyOf(ORIGIN, 1)
const log = new SignedLog(LOG_KEY, 40)
const forked = new SignedLog(LOG_KEY, 40, { from: 7, word: ' fork' })

let folder: string
let store: CopyStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'copies-'))
  store = folderCopies({ kind: 'folder', path: folder })
})

afterEach(() => rm(folder, { recursive: true, force: true }))

const checkpointOf = (of: SignedLog, size: number): AnchoredCheckpoint => ({
  origin: of.signer.name,
  size: BigInt(size),
  root: of.root(size),
  note: of.note(size),
})

const keep = (of: SignedLog, size: number) =>
  keepCopy(store, checkpointOf(of, size), [of.signer], AbortSignal.timeout(20_000))

const pathOf = (size: bigint) => join(folder, copyKey(ORIGIN, size))

const forkAlarm = (message: RegExp) => ({
  kind: 'alarm',
  error: expect.objectContaining({ code: 'SEAL_FORKED', message: expect.stringMatching(message) }),
})

describe('a copy in a write-once folder', () => {
  it('stands under origin and size, read-only, with nothing beside it', async () => {
    expect(await keep(log, 12)).toEqual({ kind: 'anchored' })
    const path = join(folder, 'example.com%2Flog', '00000000000000000012')
    expect(await readFile(path)).toEqual(log.note(12))
    expect((await stat(path)).mode & 0o777).toBe(0o444)
    expect(await readdir(join(folder, 'example.com%2Flog'))).toHaveLength(1)
  })

  it('is made once: the same again changes nothing', async () => {
    await keep(log, 12)
    const before = await stat(pathOf(12n))
    expect(await keep(log, 12)).toEqual({ kind: 'anchored' })
    expect(await store.put(copyKey(ORIGIN, 12n), Buffer.from('other'))).toBe('taken')
    expect((await stat(pathOf(12n))).mtimeMs).toBe(before.mtimeMs)
  })

  it('of another head of the same size is an alarm', async () => {
    await keep(log, 12)
    expect(await keep(forked, 12)).toEqual(forkAlarm(/holds another root at size 12/))
  })

  it('of a later size is an alarm: the home was rolled back', async () => {
    await keep(log, 12)
    await keep(log, 30)
    expect(await keep(log, 20)).toEqual(forkAlarm(/holds a checkpoint of size 30 .* ends at 20: it was rolled back/))
    expect(await keep(log, 20)).toEqual(forkAlarm(/size 30/))
  })

  it('is found behind what others put there to hide it', async () => {
    await keep(log, 30)
    const later = [31n, 32n, 2n ** 63n]
    for (const [at, size] of later.entries()) {
      const junk = [Buffer.from('junk'), log.note(5), Buffer.from(signNote(log.text(32), [keyOf(ORIGIN, 9)]))][at]
      await writeFile(pathOf(size), junk ?? '')
    }
    expect(await keep(log, 20)).toEqual(forkAlarm(/size 30/))
  })

  it('is no alarm where what comes later was signed by nobody', async () => {
    await keep(log, 10)
    await writeFile(pathOf(99n), 'junk')
    await writeFile(join(folder, 'example.com%2Flog', 'README'), 'junk')
    expect(await keep(log, 20)).toEqual({ kind: 'anchored' })
  })

  it('cannot be made where something else has its name, and that is said', async () => {
    await mkdir(join(folder, 'example.com%2Flog'))
    await writeFile(pathOf(12n), 'junk')
    expect(await keep(log, 12)).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/no checkpoint of this log/),
    })
  })

  it('is not made in a folder that is not there: a share that is not mounted looks like that', async () => {
    await rm(folder, { recursive: true })
    await expect(keep(log, 12)).rejects.toMatchObject({ code: 'BAD_HOME' })
  })

  it('of each log has its own place, whatever the log is called', async () => {
    for (const origin of ['..', '.', 'a/../../b', 'ü/%2F', 'con']) {
      expect(await keep(new SignedLog(keyOf(origin, 1), 5), 5)).toEqual({ kind: 'anchored' })
    }
    expect((await readdir(folder)).sort()).toEqual(['%2E', '%2E%2E', '%C3%BC%2F%252F', 'a%2F..%2F..%2Fb', 'con'])
  })

  it('is fetched back, in order of size, from any size on', async () => {
    for (const size of [2, 9, 10, 30]) await keep(log, size)
    const sizes = async (from: bigint) => {
      const found: bigint[] = []
      for await (const { size, notes } of fetchCopies(store, ORIGIN, from)) {
        expect(notes).toEqual([log.note(Number(size))])
        found.push(size)
      }
      return found
    }
    expect(await sizes(0n)).toEqual([2n, 9n, 10n, 30n])
    expect(await sizes(10n)).toEqual([10n, 30n])
    expect(await sizes(31n)).toEqual([])
  })
})
