/** A running Bricktrail over a copy of the lake, and a browser in front of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { inject } from 'vitest'
import type { Role } from '../../src/serve/contract.ts'
import type { MadeToken } from '../../src/serve/shapes/access.ts'
import { ROOT } from '../source-files.ts'

/** Roles see everything masked that can be, so that revealing shows something. */
const configOf = (ownLog: string): string => `
sources:
  - name: dropped
    path: dropped
    every: 1s
access:
  roles:
    analyst:
      masks: [email, ip, query]
schedules:
  own_log: ${ownLog}
`

/** Two cores are shared with what else runs. */
const START_MS = 30_000

/** A site and its browser. */
export interface Site {
  readonly url: string
  readonly home: string
  readonly browser: Browser
  /** What the pages said against themselves: errors, refusals of the content security policy. */
  readonly complaints: readonly string[]
  /** A page of somebody who signed in by the link that the command prints, as an administrator. */
  signedIn(options?: PageOptions): Promise<Page>
  /** A page of somebody who signed in by typing a token of a role. */
  as(role: Role, options?: PageOptions, secret?: string): Promise<Page>
  /** A page of nobody. */
  stranger(options?: PageOptions): Promise<Page>
  /** Puts a log into the folder that the service watches. */
  drop(name: string, records: readonly object[]): void
  /** What the API says to an administrator, who tells it something where there is a body. */
  api<T>(path: string, body?: object): Promise<T>
  /** A secret of a new token. */
  token(role: Role): Promise<string>
  /** Closes all pages: who leaves them open has their questions asked and their streams held on. */
  leave(): Promise<void>
  close(): Promise<void>
}

type Cookies = Awaited<ReturnType<BrowserContext['cookies']>>

/** What a page of a test is like. */
export interface PageOptions {
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
}

/** Starts `bricktrail serve` and a browser. What is asked of it gets into the lake at once where a test needs that: each time is work. */
export async function openSite({ ownLog = '1h' } = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'bricktrail-site-'))
  const home = join(folder, 'home')
  cpSync(inject('webHome'), home, { recursive: true })
  writeFileSync(join(home, 'bricktrail.yaml'), configOf(ownLog))
  mkdirSync(join(home, 'dropped'))
  const server = await startServer(home)
  const browser = await startBrowser()
  const complaints: string[] = []
  const contexts: BrowserContext[] = []
  let admin: Cookies | undefined

  const context = async ({ scheme = 'light', width = 1280, height = 800 }: PageOptions) => {
    const made = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: 'reduce',
      timezoneId: 'Europe/Berlin',
      acceptDownloads: true,
      baseURL: server.url,
    })
    made.setDefaultTimeout(START_MS)
    contexts.push(made)
    return made
  }
  const pageOf = async (of: BrowserContext): Promise<Page> => {
    const page = await of.newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text())
    })
    // What is refused is part of tests; what breaks is not.
    page.on('response', async (response) => {
      if (response.status() < 500) return
      const body = await response.text().catch(() => '')
      complaints.push(`${response.status()} ${response.request().method()} ${response.url()}: ${body.slice(0, 300)}`)
    })
    return page
  }
  const leave = async () => {
    await Promise.all(contexts.splice(0).map((each) => each.close()))
  }
  const api = async <T>(path: string, body?: object): Promise<T> => {
    const headers = { authorization: `Bearer ${inject('webAdmin')}`, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`${server.url}/api/v1${path}`, { headers, ...sent })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  const token = async (role: Role): Promise<string> =>
    (await api<MadeToken>('/tokens', { name: `a test's ${role}`, role })).secret
  return {
    url: server.url,
    home,
    browser,
    complaints,
    signedIn: async (options = {}) => {
      const of = await context(options)
      // The link counts once; whoever comes later takes the session along.
      if (admin !== undefined) await of.addCookies(admin)
      else {
        // In a page of its own: the start page it leads to asks and listens still, which a test would take for its own page's.
        const door = await pageOf(of)
        await door.goto(server.link)
        await door.getByRole('heading', { name: 'Overview' }).waitFor()
        admin = await of.cookies()
        await door.close()
      }
      return pageOf(of)
    },
    as: async (role, options = {}, secret) => {
      const page = await pageOf(await context(options))
      await page.goto('/')
      await page.getByLabel('Token', { exact: true }).fill(secret ?? (await token(role)))
      await page.getByRole('button', { name: 'Sign in with the token' }).click()
      await page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'attached' })
      return page
    },
    stranger: async (options = {}) => pageOf(await context(options)),
    drop: (name, records) =>
      writeFileSync(join(home, 'dropped', name), records.map((record) => `${JSON.stringify(record)}\n`).join('')),
    api,
    token,
    leave,
    close: async () => {
      await leave()
      await browser.close()
      await stop(server.process)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Server {
  readonly process: ChildProcess
  readonly url: string
  readonly link: string
}

async function startServer(home: string): Promise<Server> {
  const args = ['bin/bricktrail.mjs', '--home', home, 'serve', '--port', '0', '--link', '--no-open', '--json']
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complained = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complained += chunk.toString()
  })
  const line = await new Promise<string>((resolve, reject) => {
    const tooLate = setTimeout(() => reject(new Error(`The server did not start: ${complained}`)), START_MS)
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}: ${complained}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (!said.includes('\n')) return
      clearTimeout(tooLate)
      resolve(said)
    })
  })
  const { url, link } = JSON.parse(line) as { url: string; link: string }
  return { process: child, url, link }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const tooLong = setTimeout(() => child.kill('SIGKILL'), 25_000)
  await ended
  clearTimeout(tooLong)
}

/** The browser as people have it: nothing of its security is turned off but the sandbox, which needs rights that tests lack. */
async function startBrowser(): Promise<Browser> {
  const libraries = inject('browserLibraries')
  return chromium.launch({
    executablePath: inject('browserProgram'),
    headless: true,
    args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--font-render-hinting=none'],
    env: {
      ...process.env,
      // A bare machine has no letters either; the package brings some.
      ...(existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: join(tmpdir(), 'fonts') }),
      ...(libraries === '' ? {} : { LD_LIBRARY_PATH: libraries }),
    },
  })
}

/** Leads a page that is there already to another address, as its own links do: nothing of it is loaded anew. */
export const lead = (page: Page, path: string): Promise<unknown> =>
  page.evaluate(`history.pushState(null, '', ${JSON.stringify(path)})`)
