import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runCommand } from '../recorded-cli.fixture.ts'
import { registerConfig } from './config.ts'
import { registerInit } from './init.ts'

let folder: string
let home: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'init-'))
  home = join(folder, 'home')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const init = (...argv: string[]) => runCommand(registerInit, ['init', ...argv], { home })
const config = (...argv: string[]) => runCommand(registerConfig, ['config', ...argv], { home })

it('writes a file that editors know the schema of, and that can be used', async () => {
  const logs = join(folder, 'logs')
  await mkdir(logs)
  const file = join(home, 'bricktrail.yaml')
  expect((await init('--source', logs)).out).toBe(`Wrote ${file}.\n`)
  const text = await readFile(file, 'utf8')
  const schema = /^# yaml-language-server: \$schema=(.*)$/m.exec(text)?.[1] ?? ''
  expect(schema).toBe(fileURLToPath(new URL('../../../docs/reference/bricktrail.schema.json', import.meta.url)))
  expect(JSON.parse(await readFile(schema, 'utf8'))).toMatchObject({ title: 'bricktrail.yaml' })
  const { out, notes } = await config('check')
  expect(out).toBe(`${file} can be used: 1 source, listens on 127.0.0.1:7420.\n`)
  expect(notes).toBe('')
})

it('makes a home that nobody else can look into, and says where one is open', async () => {
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
  expect((await init()).notes).not.toContain('warning')
  expect([await modeOf(home), await modeOf(join(home, 'bricktrail.yaml'))]).toEqual(['700', '600'])
  await chmod(home, 0o755)
  const warning = `warning: ${home} can be looked into by others of this machine`
  expect((await config('check')).notes).toContain(warning)
  expect((await init('--force')).notes).toContain(warning)
})

it('replaces a file that is there only where that is asked for', async () => {
  await init('--source', 'mine')
  await expect(init()).rejects.toMatchObject({ code: 'BAD_ARGUMENT', hint: expect.stringContaining('--force') })
  expect(await readFile(join(home, 'bricktrail.yaml'), 'utf8')).toMatch(/^sources:$/m)
  await init('--force')
  expect(await readFile(join(home, 'bricktrail.yaml'), 'utf8')).not.toMatch(/^sources:$/m)
})

it('warns of a source that is not there, and says where nothing was set', async () => {
  expect((await config('check')).out).toMatch(/^There is nothing at .*, so the usual settings hold/)
  await init('--source', join(folder, 'later'))
  expect((await config('check')).notes).toBe(
    `warning: source logs: ${join(folder, 'later')} is not there, or may not be read.`,
  )
})

it.each([
  ['access: { roles: { viewer: { allow: ["events:raw"] } } }', /viewer may see received bytes/],
  ['serve: { listen: "0.0.0.0:7499" }', /in the open/],
  ['serve: { tls: { cert: nope.pem, key: nope.key } }', /nope\.pem cannot be read/],
])('refuses what a service could not start with: %s', async (text, message) => {
  await mkdir(home, { recursive: true })
  await writeFile(join(home, 'bricktrail.yaml'), `${text}\n`)
  await expect(config('check')).rejects.toMatchObject({ code: 'BAD_HOME', message: expect.stringMatching(message) })
})

it('tells a program the same', async () => {
  await init('--source', join(folder, 'later'))
  const found = JSON.parse((await config('check', '--json')).out)
  expect(found).toMatchObject({
    listen: { host: '127.0.0.1', port: 7420 },
    sources: [{ name: 'logs', problem: expect.any(String) }],
  })
})

it('prints the JSON Schema', async () => {
  expect(JSON.parse((await config('schema')).out)).toMatchObject({ type: 'object', additionalProperties: false })
})
