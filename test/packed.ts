/**
 * Packs the package, installs it in an empty folder as a user would, without install scripts, and uses it there: on the Node this
 * machine has, from compiled sources, with the sandbox's process, the catalogue and the OCSF schema where the package has them.
 *
 * Ends with `N passed, N failed` alone on a line.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { ROOT, textOf } from './source-files.ts'

const { version } = JSON.parse(textOf('package.json')) as { version: string }

/** Without the folder npm puts first, so that `node` is the machine's own. */
const ownPath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules') && folder !== dirname(process.execPath))
  .join(delimiter)

interface Ran {
  readonly status: number | null
  readonly out: string
  readonly all: string
}

function run(command: string, args: readonly string[], cwd: string): Ran {
  const { BRICKTRAIL_HOME: _, ...environment } = process.env
  const done = spawnSync(command, args, {
    cwd,
    env: { ...environment, PATH: ownPath },
    encoding: 'utf8',
    timeout: 300_000,
  })
  return { status: done.status, out: done.stdout ?? '', all: `${done.stdout}${done.stderr}${done.error ?? ''}` }
}

const built = join(ROOT, 'dist')
const wasBuilt = existsSync(built)
const folder = mkdtempSync(join(tmpdir(), 'bricktrail-packed-'))
/** What an auditor's own program may look like. */
const AUDIT = `import { type Report, verifyHome } from 'bricktrail/verify'

const report: Report = await verifyHome(process.argv[2] ?? '')
console.log(report.ok, report.checked.events)
`

let passed = 0
let failed = 0

function check(what: string, right: boolean, ran: Ran): void {
  console.log(`${right ? 'ok  ' : 'FAIL'} ${what}`)
  if (right) passed++
  else {
    failed++
    console.log(ran.all.slice(-2000))
  }
}

const bricktrail = (...args: string[]): Ran =>
  run(join(folder, 'node_modules', '.bin', 'bricktrail'), ['--home', 'home', ...args], folder)

try {
  const packed = run('npm', ['pack', '--silent', '--pack-destination', folder], ROOT)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? ''
  check('npm packs the package', packed.status === 0 && tarball !== '', packed)
  writeFileSync(join(folder, 'package.json'), '{ "name": "user-of-bricktrail", "private": true }\n')
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`]
  const installed = run('npm', install, folder)
  check('npm installs it without running a script', installed.status === 0, installed)
  const said = bricktrail('--version')
  check('it says its version', said.out.trim() === version, said)
  const demo = bricktrail('demo', '--events', '5000', '--days', '1', '--json')
  check('the demo ingests every event it simulates', demo.status === 0 && /"events":5000,/.test(demo.out), demo)
  const count = bricktrail('query', '--format', 'csv', 'select count(*) as n from events')
  check('a query answers', count.out.trim() === 'n\n5000' || count.out.trim() === 'n\r\n5000', count)
  const verified = bricktrail('verify', '--rows')
  check('the home verifies, row by row', verified.status === 0, verified)
  writeFileSync(join(folder, 'audit.mts'), AUDIT)
  const types = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2024']
  const roots = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')]
  const typed = run(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), ...types, ...roots, 'audit.mts'],
    folder,
  )
  check('a program that imports the verifier has its types', typed.status === 0, typed)
  const audit = run(process.execPath, ['audit.mts', 'home'], folder)
  check('and verifies with it', audit.out.trim() === 'true 5000', audit)
  const refused = bricktrail('query', "select * from read_csv('/etc/passwd')")
  check('a query that reads a file is refused', refused.status === 2, refused)
  const exported = bricktrail('export', '--format', 'ocsf', '--validate', '--out', 'events.ndjson')
  check('an export is valid OCSF', exported.status === 0 && exported.all.includes('are valid'), exported)
  const doctor = bricktrail('doctor')
  check('the doctor finds nothing wrong', doctor.status === 0 && !/^(warning|failed)/m.test(doctor.out), doctor)
} finally {
  rmSync(folder, { recursive: true, force: true })
  if (!wasBuilt) rmSync(built, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
