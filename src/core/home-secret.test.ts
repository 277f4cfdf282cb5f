import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { homeSecret } from './home-secret.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-secret-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('a secret is made once, for its owner alone, and stays', async () => {
  const path = join(folder, 'home', 'a.key')
  const made = homeSecret(path, 'all is lost.')
  expect(made).toMatch(/^[0-9a-f]{64}$/)
  expect(homeSecret(path, 'all is lost.')).toBe(made)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(folder, 'home'))).toEqual(['a.key'])
})

it('a damaged one is not replaced, and it is said what another would mean', async () => {
  const path = join(folder, 'b.key')
  await writeFile(path, 'no key\n')
  expect(() => homeSecret(path, 'all is lost.')).toThrow(
    expect.objectContaining({ code: 'BAD_HOME', hint: 'Put back its copy, or remove it: all is lost.' }),
  )
})
