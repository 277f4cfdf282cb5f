/** Run as a process of its own and killed: keeps objects in a home until then. Arguments: the home's folder, reference of the key or `-`. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linesOf, parquetLike } from './archive.fixture.ts'
import { RawArchive } from './archive.ts'

const [root = '', rawKey = '-'] = process.argv.slice(2)
const folder = process.env.CRASH_OBJECTS ?? (await mkdtemp(join(tmpdir(), 'bricktrail-raw-')))
const archive = await RawArchive.open({ root }, { raw: 'keep', rawKey: rawKey === '-' ? null : rawKey })
for (;;) {
  const sizes = [...randomBytes(200)].map((byte) => (byte < 8 ? 1_000_000 + byte * 500_000 : 200 + byte * 20))
  const sources = await Promise.all(
    sizes.map(async (size) => {
      const bytes = size % 3 === 0 ? parquetLike(size) : linesOf(size)
      const path = join(folder, randomUUID())
      await writeFile(path, bytes)
      return { path, firstByte: 0, lastByte: bytes.length }
    }),
  )
  process.stdout.write('keeping\n')
  const results = await archive.keepAll(sources)
  for (const result of results) if (result.ok) process.stdout.write(`${result.value.sha256}\n`)
}
