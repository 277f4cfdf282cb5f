import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../recorded-cli.fixture.ts'
import { registerConfig } from './config.ts'

it('names the place where there are no settings, and says where there is no home either', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-config-'))
  const check = async (home: string) => (await runCommand(registerConfig, ['config', 'check'], { home })).out
  try {
    expect(await check(folder)).toBe(`There is no ${join(folder, 'bricktrail.yaml')}; the usual settings hold.\n`)
    expect(await check(join(folder, 'hme'))).toContain(`There is nothing at ${join(folder, 'hme')},`)
  } finally {
    await rm(folder, { recursive: true })
  }
})
