import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installed } from './client.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-client-'))
  await pack('modern-client', { type: 'module', exports: { '.': './index.js' } }, 'export const word = "modern"')
  await pack('older-client', { main: 'index.js' }, 'const all = { word: "older" }; module.exports = all')
  await pack('broken-client', { main: 'index.js' }, 'require("./absent.js")')
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function pack(name: string, about: object, code: string): Promise<void> {
  const folder = join(home, 'node_modules', name)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, ...about }))
  await writeFile(join(folder, 'index.js'), code)
}

describe('an official client', () => {
  it('is found beside Bricktrail', async () => {
    const { parse } = await installed<{ parse(text: string): unknown }>('yaml', 'test', home)
    expect(parse('a: 1')).toEqual({ a: 1 })
  })

  it.each(['modern', 'older'])('is found in the home, if it is a %s package', async (word) => {
    expect(await installed(`${word}-client`, 'test', home)).toMatchObject({ word })
  })

  it('that is nowhere is named, with what installs it', async () => {
    await expect(installed('absent-client', 'cloud', home)).rejects.toMatchObject({
      code: 'MISSING_PACKAGE',
      message: 'Destinations of the kind cloud need the package absent-client.',
      hint: `Run: npm install --prefix ${home} absent-client`,
    })
  })

  it('that is there and broken is not told as absent', async () => {
    await expect(installed('broken-client', 'test', home)).rejects.toThrow(/absent\.js/)
  })
})
