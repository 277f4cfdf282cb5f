import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { testObjectStore } from './contract.suite.ts'
import { localStore } from './local.ts'

const folders: string[] = []

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'bricktrail-store-'))
  folders.push(made)
  return made
}

afterEach(async () => {
  for (const made of folders.splice(0)) {
    await chmod(made, 0o700)
    await rm(made, { recursive: true })
  }
})

testObjectStore('local', async () => localStore(join(await folder(), 'table, with [odd] name=x')))

test('a file where the folder should be is a bad home, named', async () => {
  const at = join(await folder(), 'taken')
  await writeFile(at, '')
  const put = localStore(at).putIfAbsent('log/1.json', new Uint8Array())
  await expect(put).rejects.toMatchObject({ code: 'BAD_HOME', where: 'log/1.json' })
})

test.skipIf(process.getuid?.() === 0)('a folder that may not be written is a bad home', async () => {
  const at = await folder()
  await chmod(at, 0o500)
  await expect(localStore(at).put('x', new Uint8Array())).rejects.toMatchObject({ code: 'BAD_HOME' })
})
