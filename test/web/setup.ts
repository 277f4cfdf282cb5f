/** What every test of the page stands on, made once: the built page, a browser that starts on a bare machine, and a lake. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import chromium, { inflate } from '@sparticuz/chromium'
import type { TestProject } from 'vitest/node'
import { ROOT } from '../source-files.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A home with a few thousand events, findings and alerts; to be copied. */
    readonly webHome: string
    /** Secret of a token of that home, which may do everything. */
    readonly webAdmin: string
    /** The browser's program. */
    readonly browserProgram: string
    /** Folder of the libraries that the machine lacks; empty where it lacks none. */
    readonly browserLibraries: string
  }
}

/** Enough for every page to have something to show. */
const LAKE = ['--events', '4000', '--days', '2', '--seed', '3']

/** Builds the page, unpacks the browser and fills a lake; takes the lake away at the end. */
export default async function setup(project: TestProject): Promise<() => void> {
  run(['scripts/build-web.ts'])
  const program = await chromium.executablePath()
  project.provide('browserProgram', program)
  project.provide('browserLibraries', lacksLibraries(program) ? await unpackLibraries() : '')
  const home = mkdtempSync(join(tmpdir(), 'bricktrail-web-'))
  run(['bin/bricktrail.mjs', '--home', home, 'demo', ...LAKE, '--json'])
  project.provide('webHome', home)
  const made = run(['bin/bricktrail.mjs', '--home', home, 'token', 'create', 'the tests', '--role', 'admin'])
  project.provide('webAdmin', /btk_[\w-]+/.exec(made)?.[0] ?? '')
  return () => rmSync(home, { recursive: true, force: true })
}

/** What a program said. */
function run(args: readonly string[]): string {
  const done = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', timeout: 180_000 })
  if (done.status !== 0) throw new Error(`${args.join(' ')} ended with ${done.status}: ${done.stdout}${done.stderr}`)
  return done.stdout
}

function lacksLibraries(program: string): boolean {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' })
  return (stdout ?? '').includes('not found')
}

/** The package brings them for machines that have nothing but a C library. */
async function unpackLibraries(): Promise<string> {
  const archive = join(
    dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')),
    '..',
    'bin',
    'al2023.tar.br',
  )
  if (!existsSync(archive)) throw new Error(`The browser's libraries are not at ${archive}.`)
  return join(await inflate(archive), 'lib')
}
