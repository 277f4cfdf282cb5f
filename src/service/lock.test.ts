import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { lockService } from './lock.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('lets one service in, and names it to the second', async () => {
  const home = homeAt(join(folder, 'home'))
  const place = await lockService(home)
  const second = lockService(home)
  await expect(second).rejects.toMatchObject({ code: 'LOCKED', exit: 3 })
  await place.tell('http://127.0.0.1:7420')
  await expect(lockService(home)).rejects.toThrow(
    new RegExp(
      `^A bricktrail service \\(process ${process.pid}\\) has served ${home.root} since .*Z, and answers at http://127.0.0.1:7420\\.$`,
    ),
  )
  await place.release()
  await (await lockService(home)).release()
  expect(existsSync(`${home.serviceLock}.holder`)).toBe(false)
})

it('is free again once its holder is killed', async () => {
  const home = homeAt(join(folder, 'home'))
  const fixture = join(import.meta.dirname, 'crash.fixture.ts')
  const child = spawn(process.execPath, [fixture, home.root, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await expect(lockService(home)).rejects.toThrow(new RegExp(`process ${child.pid}\\).*http://127.0.0.1:1`))
  child.kill('SIGKILL')
  await once(child, 'close')
  await (await lockService(home)).release()
})
