/**
 * Runs every `sh` block of the pages, page by page, in one folder that looks like a clone and is thrown away. Where a `text`
 * block follows, each of its lines must have been printed, whatever its numbers. Blocks that need an account of somebody's are
 * `console` blocks and are not run.
 *
 * Ends with `N passed, N failed` alone on a line.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { filesUnder, ROOT, textOf } from './source-files.ts'

interface Snippet {
  readonly page: string
  readonly line: number
  readonly script: string
  /** Lines the page says it prints. */
  readonly shown: readonly string[]
}

/** What CI does in steps of its own. */
const STEPS = /^npm (ci|test|run (check|bench|test:peers|build))\b.*$/gm

/** Longest time a block may take; the first one simulates a week. */
const LIMIT_MS = 180_000

/** Folders of a clone that a snippet may write to, or must not see. */
const NOT_LINKED = ['.git', 'bricktrail-data', 'bricktrail-demo', 'logs']

/** Where `bricktrail` is found by pages that are for the installed package. */
const COMMAND_FOLDER = 'installed-commands'

function snippetsOf(page: string): Snippet[] {
  const text = textOf(page)
  const pattern = /^```sh\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```)?/gm
  return [...text.matchAll(pattern)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length,
    script: (match[1] ?? '').replaceAll('npm ci && ', '').replaceAll(STEPS, ''),
    shown: (match[2] ?? '').split('\n').filter((line) => line.trim() !== '' && line.trim() !== '…'),
  }))
}

/** A line without what may differ from run to run: numbers, times, and how wide they make a column. */
const plain = (line: string): string =>
  line
    .replaceAll(/\d[\d.,:]*/g, '#')
    .replaceAll(/[\s─]+/g, ' ')
    .replace(/…$/, '')
    .trim()

function run({ script, shown }: Snippet, folder: string): string[] {
  const path = [join(folder, COMMAND_FOLDER), process.env.PATH].join(delimiter)
  const { BRICKTRAIL_HOME: _, ...environment } = process.env
  const done = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    // The first block would serve until somebody ends it.
    env: { ...environment, PATH: path, NO_UPDATE_NOTIFIER: '1', BRICKTRAIL_DEMO_EXIT: '1' },
    encoding: 'utf8',
    timeout: LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  })
  const printed = `${done.stdout}${done.stderr}`
  if (done.status !== 0) return [`ended with ${done.status ?? done.signal}:\n${printed.slice(-2000)}`]
  const lines = printed.split('\n').map(plain)
  return shown
    .filter((line) => !lines.some((each) => each.startsWith(plain(line))))
    .map((line) => `did not print: ${line}`)
}

const folder = mkdtempSync(join(tmpdir(), 'bricktrail-pages-'))
let passed = 0
let failed = 0
try {
  for (const name of readdirSync(ROOT)) {
    if (!NOT_LINKED.includes(name)) symlinkSync(join(ROOT, name), join(folder, name))
  }
  mkdirSync(join(folder, COMMAND_FOLDER))
  symlinkSync(join(ROOT, 'bin', 'bricktrail.mjs'), join(folder, COMMAND_FOLDER, 'bricktrail'))
  const pages = ['README.md', ...filesUnder('docs', /\.md$/)]
  for (const snippet of pages.flatMap(snippetsOf).filter(({ script }) => script.trim() !== '')) {
    const started = performance.now()
    const wrong = run(snippet, folder)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${snippet.page}:${snippet.line} (${seconds} s)`)
    for (const line of wrong) console.log(`     ${line}`)
    if (wrong.length === 0) passed++
    else failed++
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
