import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startApp } from '../src/app.ts'
import { readConfig } from '../src/config/config.ts'
import { type Home, homeAt } from '../src/core/home.ts'

let folder: string
let home: Home
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-app-'))
  home = homeAt(folder)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const started = async () => {
  const config = await readConfig(home, undefined)
  const listen = { ...config.listen, port: 0 }
  return startApp({ home, config: { ...config, listen }, now: () => new Date(), note: () => {} })
}

it('removes what a killed service left, and ends at once though a stream is open', async () => {
  await mkdir(join(home.tmp, 'download-left'), { recursive: true })
  const app = await started()
  expect(await readdir(home.tmp)).not.toContain('download-left')
  const link = await fetch(await app.link('Ada'), { redirect: 'manual' })
  const cookie = (link.headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
  const stream = await fetch(`${app.url}/api/v1/stream`, { headers: { cookie, 'sec-fetch-site': 'same-origin' } })
  expect(stream.status).toBe(200)
  const said = stream.text()
  const before = performance.now()
  expect(await app.close()).toBe(true)
  expect(await said).toContain('retry:')
  expect(performance.now() - before).toBeLessThan(4000)
})
