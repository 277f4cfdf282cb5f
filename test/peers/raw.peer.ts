/** The raw archive, read by Python, openssl and zstd with nothing but the lines of the design page: encrypted objects, and packs. */
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { linesOf, parquetLike } from '../../src/seal/raw/archive.fixture.ts'
import { RawArchive } from '../../src/seal/raw/archive.ts'
import { check, same } from './check.ts'
import { python } from './install.ts'

const PAGE = join(import.meta.dirname, '../../docs/design/005-seal.md')
const SIZES = [0, 1, 65_535, 65_536, 65_537, 131_072, 1_000_000]

const page = await readFile(PAGE, 'utf8')
const blocks = page.slice(page.indexOf('\n## Raw archive')).matchAll(/```python\n([\s\S]*?)```/g)
const [script, packScript] = [...blocks].map(([, text]) => text)
const folder = await mkdtemp(join(tmpdir(), 'bricktrail-raw-'))
try {
  const [scriptPath, keyPath] = [join(folder, 'raw.py'), join(folder, 'key.hex')]
  await writeFile(scriptPath, script ?? '')
  await writeFile(keyPath, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
  const root = join(folder, 'home')
  const archive = await RawArchive.open({ root }, { raw: 'keep', rawKey: `file:${keyPath}` })
  const { command, env } = python(import.meta.dirname)
  const read = (path: string, key = keyPath) =>
    spawnSync(command, [scriptPath, join(root, path), key], { env, maxBuffer: 64 * 1024 * 1024 })

  for (const [kind, make] of Object.entries({ lines: linesOf, 'a packed file': parquetLike })) {
    for (const size of SIZES) {
      const path = join(folder, 'object')
      const content = make(size)
      await writeFile(path, content)
      const { sha256, stored } = await archive.keep({ path, firstByte: 0, lastByte: content.length })
      await check(`python and openssl read ${kind} of ${content.length} bytes`, () => {
        const { stdout, stderr, status } = read(stored?.path ?? '')
        same([status, String(stderr)], [0, ''])
        const received = stored?.encoding[0] === 'zstd' ? zstdDecompressSync(stdout) : stdout
        same(createHash('sha256').update(received).digest('hex'), sha256)
      })
      if (size !== 1_000_000) continue
      await check(`python tells ${kind} of another key`, async () => {
        const other = join(folder, 'other.hex')
        await writeFile(other, randomBytes(32).toString('hex'))
        same(/another key/.test(String(read(stored?.path ?? '', other).stderr)), true)
      })
    }
  }

  const packPath = join(folder, 'pack.py')
  await writeFile(packPath, packScript ?? '')
  const plain = await RawArchive.open({ root }, { raw: 'keep', rawKey: null })
  const members = await Promise.all(
    Array.from({ length: 60 }, async (_, at) => {
      const path = join(folder, `member-${at}`)
      const content = at % 5 === 0 ? parquetLike(9000) : linesOf(20_000)
      await writeFile(path, content)
      return { path, firstByte: 0, lastByte: content.length }
    }),
  )
  const hasZstd = spawnSync('zstd', ['--version']).status === 0
  if (!hasZstd) console.log('skipped: packs, for want of the program zstd')
  for (const result of hasZstd ? await plain.keepAll(members) : []) {
    if (!result.ok) throw result.error
    const { sha256, stored } = result.value
    await check(`python finds ${sha256.slice(0, 8)} in its pack`, () => {
      const { stdout } = spawnSync(command, [packPath, join(root, stored?.path ?? ''), sha256], { env })
      same(createHash('sha256').update(stdout).digest('hex'), sha256)
    })
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
