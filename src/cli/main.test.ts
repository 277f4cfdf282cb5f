import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const LAUNCHER = fileURLToPath(new URL('../../bin/bricktrail.mjs', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-main-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function bricktrail(...argv: string[]) {
  return bricktrailWith({}, ...argv)
}

function bricktrailWith(more: Record<string, string>, ...argv: string[]) {
  const { BRICKTRAIL_HOME: _, BRICKTRAIL_SERVER: __, BRICKTRAIL_TOKEN: ___, ...env } = process.env
  const options = { cwd: folder, env: { ...env, ...more }, encoding: 'utf8' } as const
  const done = spawnSync(process.execPath, [LAUNCHER, ...argv], options)
  return { status: done.status, out: done.stdout, notes: done.stderr }
}

it.each([
  ['an unknown option', ['events', '--fromm', 'x', '--json'], "Unknown option '--fromm'.", /^Did you mean --from\?/],
  ['an unknown command', ['--json', 'evnts'], "Unknown command 'evnts'.", /^Did you mean events\?/],
  ['a missing argument', ['query', '--json'], "Missing required argument 'sql'.", /bricktrail query --help/],
  ['an argument too many', ['--json', 'doctor', 'x'], /^Too many arguments/, /bricktrail doctor --help/],
  ['an option without its value', ['--json', 'rejects', '--limit'], /argument missing/, /bricktrail rejects --help/],
  ['a missing option', ['--json', 'export', '--out', 'x'], /^Required option '--format/, /bricktrail export --help/],
  ['no command', ['--json'], 'No command is named.', /bricktrail --help/],
  ['a wrong value', ['--json', 'events', '--verb', 'raed'], 'There is no verb "raed".', /^Did you mean read/],
])('prints %s as one JSON object with --json, and nothing else', (_, argv, message, hint) => {
  const { status, out, notes } = bricktrail(...argv)
  expect(status).toBe(2)
  expect(notes).toBe('')
  expect(JSON.parse(out)).toEqual({
    error: {
      code: 'BAD_ARGUMENT',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      hint: expect.stringMatching(hint),
      retryable: false,
    },
  })
})

it('prints the same errors for people as two lines on standard error', () => {
  expect(bricktrail('events', '--fromm', 'x')).toEqual({
    status: 2,
    out: '',
    notes:
      "error: Unknown option '--fromm'.\nhint: Did you mean --from? Run `bricktrail events --help` to see what it takes.\n",
  })
})

it('takes no empty name and no file for a home', async () => {
  await writeFile(join(folder, 'a-file'), '')
  const empty = bricktrail('--home', '', 'doctor')
  expect(empty).toMatchObject({ status: 2, notes: expect.stringMatching(/^error: --home is empty\./) })
  const { status, notes } = bricktrail('--home', 'a-file', 'demo')
  expect({ status, notes }).toEqual({ status: 3, notes: expect.stringMatching(/a-file is a file, not a folder\.\n/) })
})

it.each([
  ['a home and a server', {}, ['--home', 'x', '--server', 'https://a.example', 'events'], 2, /both given/],
  [
    'a command of a home',
    {},
    ['ingest', 'x', '--server', 'https://a.example'],
    2,
    /files of a home[\s\S]*without --server/,
  ],
  ['a variable', { BRICKTRAIL_SERVER: 'https://a.example' }, ['compact'], 2, /BRICKTRAIL_SERVER is set: name a home/],
  ['no token', {}, ['events', '--server', 'http://127.0.0.1:9'], 2, /There is no token[\s\S]*BRICKTRAIL_TOKEN/],
  [
    'the open',
    { BRICKTRAIL_TOKEN: `btk_${'x'.repeat(43)}` },
    ['events', '--server', 'http://a.example'],
    2,
    /--plain-http/,
  ],
  [
    'nobody there',
    { BRICKTRAIL_TOKEN: `btk_${'x'.repeat(43)}` },
    ['events', '--server', 'http://127.0.0.1:9'],
    3,
    /cannot be reached/,
  ],
])('tells what it cannot ask a server: %s', (_, env, argv, status, said) => {
  const done = bricktrailWith(env, ...argv)
  expect(done).toMatchObject({ status, out: '', notes: expect.stringMatching(said) })
  expect(done.notes).not.toContain('xxxx')
})

it('says where the demo is when its lake is the only one', async () => {
  const cwd = await mkdtemp(join(folder, 'with-demo-'))
  await mkdir(join(cwd, 'bricktrail-demo'))
  const { BRICKTRAIL_HOME: _, ...env } = process.env
  const ask = (...argv: string[]) => spawnSync(process.execPath, [LAUNCHER, ...argv], { cwd, env, encoding: 'utf8' })
  expect(ask('rejects').stderr).toMatch(/hint: Run `bricktrail demo` or/)
  await writeFile(join(cwd, 'bricktrail-demo', 'SIMULATED.txt'), '')
  expect(ask('rejects').stderr).toMatch(/hint: .* ask it with --home bricktrail-demo\.\n$/)
  expect(JSON.parse(ask('rejects', '--json').stdout).error.hint).toContain('--home bricktrail-demo')
  expect(ask('rejects', '--home', 'other').stderr).toMatch(/hint: Run `bricktrail demo` or/)
})

it('takes what stands behind -- for no option', () => {
  const { status, out, notes } = bricktrail('query', '--', '--json')
  expect({ status, out }).toEqual({ status: 2, out: '' })
  expect(notes).toMatch(/^error: There is no lake/)
})

it('prints help on standard output where it is asked for, and on standard error where no command is named', () => {
  for (const argv of [['--help'], ['events', '--help'], ['help'], ['--json', '--help']]) {
    const { status, out, notes } = bricktrail(...argv)
    expect({ status, notes }, argv.join(' ')).toEqual({ status: 0, notes: '' })
    expect(out).toMatch(/^Usage: bricktrail/)
  }
  const { status, out, notes } = bricktrail()
  expect({ status, out }).toEqual({ status: 2, out: '' })
  expect(notes).toMatch(/^Usage: bricktrail/)
})

it('takes a reader that goes away for no failure', () => {
  const script = `set -o pipefail; "$0" "$1" catalogue | head -n 1`
  const done = spawnSync('bash', ['-c', script, process.execPath, LAUNCHER], { cwd: folder, encoding: 'utf8' })
  expect(done.status).toBe(0)
  expect(done.stderr).not.toMatch(/EPIPE|Error/)
  expect(done.stdout).toMatch(/^service +action/)
})

it('loads nothing for --help that only a command needs', () => {
  const seen = `import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    process.on('exit', () => console.error(loaded.filter((url) => !url.startsWith('node:')).join('\\n')))`
  const hook = `data:text/javascript,${encodeURIComponent(seen)}`
  const done = spawnSync(process.execPath, ['--import', hook, LAUNCHER, '--help'], { cwd: folder, encoding: 'utf8' })
  expect(done.status).toBe(0)
  const loaded = done.stderr.trim().split('\n')
  const packages = new Set(loaded.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []))
  expect([...packages]).toEqual(['commander'])
  const rooms = new Set(loaded.flatMap((url) => /\/src\/(\w+)\//.exec(url)?.[1] ?? []))
  expect([...rooms].sort()).toEqual(['cli', 'core', 'serve', 'simulate'])
  // The names of roles, which the help shows, and what a chosen name may not look like.
  expect(loaded.filter((url) => url.includes('/src/serve/')).map((url) => url.split('/').at(-1))).toEqual([
    'contract.ts',
    'names.ts',
  ])
})
