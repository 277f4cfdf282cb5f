/** The suite that every destination passes, for those that need an official client of a cloud: the project itself does not install it. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const FILES = [
  ...['s3', 'cloudwatch', 'azure-blob', 'kafka'].map((name) => `src/deliver/sinks/${name}.test.ts`),
  'src/cli/commands/deliver-secrets.test.ts',
]

interface Results {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

const folder = await mkdtemp(join(tmpdir(), 'bricktrail-clients-'))
try {
  const out = join(folder, 'tests.json')
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', '--reporter=json', `--outputFile=${out}`, ...FILES]
  spawnSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2], timeout: 5 * 60_000 })
  const { testResults } = JSON.parse(readFileSync(out, 'utf8')) as Results
  for (const { assertionResults } of testResults)
    for (const { fullName, status } of assertionResults) {
      process.stdout.write(`${status === 'passed' ? 'ok' : 'not ok'} ${fullName}\n`)
      // One that was left out is one whose client is not there, though it was installed for this.
      if (status !== 'passed') process.exitCode = 1
    }
  if (testResults.length !== FILES.length) throw new Error(`${testResults.length} of ${FILES.length} files were run.`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
