import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkHealth } from '../../ask/health.ts'
import { homeAt } from '../../core/home.ts'
import { ingest } from '../../ingest/ingest.ts'
import { runCommand } from '../recorded-cli.fixture.ts'
import { registerDoctor } from './doctor.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-doctor-'))
})
afterEach(() => rm(folder, { recursive: true }))

const RECORD =
  '{"version":"2.0","timestamp":1762905600000,"workspaceId":"1","serviceName":"accounts","actionName":"login","requestId":"r","userIdentity":{"email":"ana@example.com"},"response":{"statusCode":200}}\n'

it.skipIf(process.platform === 'win32')(
  'a home is made for its owner only, and doctor says where it is open',
  async () => {
    const before = process.umask(0o022)
    try {
      const home = homeAt(join(folder, 'home'))
      const now = () => new Date()
      await ingest({ home, specs: ['-'], form: 'auto', stdin: Readable.from([RECORD]), now })
      expect((await stat(home.root)).mode & 0o777).toBe(0o700)
      const check = async () => (await checkHealth(home, now())).find(({ name }) => name === 'home')
      expect((await check())?.state).toBe('ok')
      await chmod(home.root, 0o755)
      expect(await check()).toMatchObject({ state: 'warning', hint: expect.stringContaining('chmod 700') })
    } finally {
      process.umask(before)
    }
  },
)

it('tells settings of delivery that cannot be read beside all the rest', async () => {
  const checks = async () => {
    const { out, exitCode } = await runCommand(registerDoctor, ['--json', 'doctor'], { home: folder })
    return {
      exitCode,
      checks: (JSON.parse(out) as { checks: { name: string; state: string; finding: string }[] }).checks,
    }
  }
  const without = await checks()
  expect(without.checks.find(({ name }) => name === 'destinations')).toBeUndefined()
  await writeFile(join(folder, 'deliver.yaml'), 'destinations:\n  soc:\n    kid: webhook\n')
  const broken = await checks()
  expect(broken.exitCode).toBe(1)
  expect(broken.checks).toHaveLength(without.checks.length + 1)
  expect(broken.checks.at(-1)).toMatchObject({
    name: 'destinations',
    state: 'failed',
    finding: expect.stringContaining('deliver.yaml:'),
  })
})
