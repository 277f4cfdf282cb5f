import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { unwrap } from '../../core/result.ts'
import { digest, gathered, linesOf, makeHome, type TestHome } from './archive.fixture.ts'
import { RawArchive, rawOf } from './archive.ts'
import { RawKey } from './key.ts'
import { PackFile } from './pack-file.ts'
import { parsePackPath, parseStoredPath, receivedBytes } from './stored.ts'

const KILLS = Number(process.env.RAW_KILLS ?? 4)
/** Objects a call, as the child has them. */
const OBJECTS = 200
const CHILD = fileURLToPath(new URL('crash.fixture.ts', import.meta.url))
const KEY = RawKey.of(randomBytes(32))
const env = { ...process.env, K: Buffer.from(KEY.reveal()).toString('hex') }

let home: TestHome

beforeEach(async () => {
  home = await makeHome()
  await mkdir(home.path('objects'))
})
afterEach(() => home.remove())

/** Kills a process that keeps objects, some time after it began a call; returns the digests it said it kept. */
async function killAtWork(rawKey: string, call: number, delayMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, home.root, rawKey], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...env, CRASH_OBJECTS: home.path('objects') },
  })
  const [exited, lines] = [once(child, 'exit'), createInterface({ input: child.stdout })]
  const kept: string[] = []
  let calls = 0
  for await (const line of lines) {
    if (line === 'keeping' && ++calls === call) setTimeout(() => child.kill('SIGKILL'), delayMs)
    else if (line.length === 64) kept.push(line)
  }
  await exited
  expect(child.signalCode).toBe('SIGKILL')
  return kept
}

describe.each(['-', 'env:K'])('With key %s', (rawKey) => {
  it('a process killed while it keeps objects leaves only whole files, and all it said it kept', {
    timeout: KILLS * 30_000,
  }, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const kept = await killAtWork(rawKey, 1 + (kill % 2), 5 + kill * 40)
      expect(kept.length).toBeGreaterThanOrEqual((kill % 2) * OBJECTS)
      const files = await home.files()
      for (const path of files.filter((name) => !name.startsWith('raw/.unfinished/'))) {
        if (parsePackPath(path) !== undefined) expectWhole(path)
        else {
          const sha256 = parseStoredPath(path)?.sha256
          expect(digest(await gathered(receivedBytes(home.root, path, { key: KEY }))), path).toBe(sha256)
        }
      }
      for (const sha256 of kept) expect(digest(await gathered(rawOf(home, sha256, KEY)))).toBe(sha256)
    }
    await RawArchive.open(home, { raw: 'keep', rawKey: null })
    const strangers = (path: string) => (parseStoredPath(path) ?? parsePackPath(path)) === undefined
    expect((await home.files()).filter(strangers)).toEqual([])
  })
})

/** A pack whose every member is what the pack says. */
function expectWhole(path: string): void {
  const pack = PackFile.open(home.root, path, KEY)
  try {
    for (const sha256 of pack.members()) expect(digest(pack.member(sha256) ?? Buffer.alloc(0)), path).toBe(sha256)
  } finally {
    pack.close()
  }
}

describe('A disk that takes no more', () => {
  it.skipIf(process.platform === 'win32')(
    'fails the call, leaves nothing unfinished, and what fits is kept',
    async () => {
      const script = `
      import { RawArchive } from ${JSON.stringify(fileURLToPath(new URL('archive.ts', import.meta.url)))}
      const archive = await RawArchive.open({ root: process.argv[1] }, { raw: 'keep', rawKey: null })
      const sources = JSON.parse(process.argv[2])
      console.log(await archive.keepAll(sources).then(() => 'kept', (cause) => cause.code))
      console.log(await archive.keepAll(sources.slice(0, 1)).then(([result]) => result.ok, (cause) => cause.code))`
      const small = await home.object(linesOf(1000))
      const large = await home.object(randomBytes(3_000_000))
      const limited = ['-c', 'ulimit -f 1000; exec "$@"', '-', process.execPath, '--input-type=module-typescript', '-e']
      const child = spawn('sh', [...limited, script, home.root, JSON.stringify([small, large])], { env })
      const said: string[] = []
      child.stderr.on('data', (text) => said.push(String(text)))
      for await (const line of createInterface({ input: child.stdout })) said.push(line)
      expect(said).toEqual(['DISK_FULL', 'true'])
      expect((await home.files()).filter((path) => parseStoredPath(path) === undefined)).toEqual([])
      const archive = await RawArchive.open(home, { raw: 'keep', rawKey: null })
      const records = (await archive.keepAll([small, large])).map(unwrap)
      expect(digest(await gathered(archive.read(records[1] ?? expect.fail())))).toBe(large.sha256)
    },
  )

  it('or a folder that is none is told', async () => {
    await mkdir(home.root)
    await home.write('raw', Buffer.from('a file'))
    await expect(RawArchive.open(home, { raw: 'keep', rawKey: null })).rejects.toMatchObject({ code: 'BAD_HOME' })
  })
})
