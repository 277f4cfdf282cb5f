import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startApp } from '../src/app.ts'
import { readConfig } from '../src/config/config.ts'
import { type Home, homeAt } from '../src/core/home.ts'
import { Access } from '../src/serve/auth/access.ts'
import { recordLines } from '../src/serve/records.fixture.ts'
import { USUAL_SETTINGS } from '../src/serve/settings.ts'

let home: Home
beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-start-')))
})
afterEach(() => rm(home.root, { recursive: true, force: true }))

it('records the link it makes, sessions that other settings ended, and changes that were cut off', async () => {
  const access = Access.open(home.access, USUAL_SETTINGS, () => new Date())
  access.people.signedIn({ id: 'x#ana', name: 'ana', email: null, role: 'admin', from: 'group' })
  access.sessions.begin({ holder: 'person:x#ana', name: 'ana', role: null, rows: {} })
  await mkdir(`${home.own}-begun`, { recursive: true })
  await writeFile(join(`${home.own}-begun`, 'r-1.json'), '{"actionName":"changeRole","requestId":"r-1"}\n')

  const config = await readConfig(home, undefined)
  const listen = { ...config.listen, port: 0 }
  const app = await startApp({ home, config: { ...config, listen }, now: () => new Date(), note: () => {} })
  await app.link('Ada')
  expect(await app.close()).toBe(true)

  const records = await recordLines(home)
  expect(records.map(({ actionName }) => actionName)).toEqual(['changeRole', 'endSession', 'createLink'])
  expect(records[2]).toMatchObject({ userIdentity: { email: 'Ada' }, requestParams: { role: 'admin' } })
  expect(access.sessions.list()).toEqual([])
  expect(await readdir(`${home.own}-begun`)).toEqual([])
  access.close()
})

it.each(['own', 'own-begun'])('does not start where %s, for the record of use, cannot be written', async (name) => {
  await writeFile(join(home.root, name), 'in the way')
  const config = await readConfig(home, undefined)
  const listen = { ...config.listen, port: 0 }
  const start = () => startApp({ home, config: { ...config, listen }, now: () => new Date(), note: () => {} })
  await expect(start()).rejects.toMatchObject({
    code: 'NOT_RECORDED',
    exit: 3,
    message: expect.stringContaining(`cannot be written to ${join(home.root, name)}: `),
    hint: expect.stringContaining('Let the account that runs the service write there'),
  })
  await rm(join(home.root, name))
  expect(await (await start()).close()).toBe(true)
})
