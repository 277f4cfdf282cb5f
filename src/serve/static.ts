/**
 * The page's files. They are read once, and only what was found then is served: no path of a request ever reaches the disk.
 */
import { createHash, randomBytes } from 'node:crypto'
import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Context } from 'hono'
import { cspOfPage } from './headers.ts'

/** Where the build puts the page, seen from the sources and from the package alike. */
export const PAGE_FOLDER = fileURLToPath(new URL('../../dist/web', import.meta.url))

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}

/** The build writes this where the nonce of the answer belongs. */
const NONCE_PLACE = '__CSP_NONCE__'

/** Vite puts files with a digest in their names here. */
const DIGESTED = '/assets/'
const FOR_GOOD = 'public, max-age=31536000, immutable'
const ASK_AGAIN = 'no-cache'

/** Packed forms, the smallest first. */
const PACKED = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const

interface PageFile {
  readonly type: string
  readonly cache: string
  readonly etag: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly packed: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

/** What is told where the page was not built. */
const NOT_BUILT =
  'Bricktrail runs, but its page is not built here. Run `npm run build:web`; the API answers below /api all the same.\n'

/** The files of a built page. */
export class PageFiles {
  readonly #folder: string
  #files = new Map<string, PageFile>()
  #index = ''
  #builtMs = -1

  constructor(folder: string = PAGE_FOLDER) {
    this.#folder = folder
  }

  /** Answers a GET: a file of the page, or the page itself for every path that it makes of its own. */
  answer(c: Context): Response {
    this.#refresh()
    const path = c.req.path
    const file = this.#files.get(path)
    if (file !== undefined && path !== '/index.html') return fileResponse(c, file)
    if (this.#index === '') return text(NOT_BUILT, 503)
    // A file that is not there is no page: its reader expects code or a picture.
    if (path !== '/index.html' && extname(path) !== '' && !accepts(c, 'text/html')) return text('Not found.\n', 404)
    return this.#page()
  }

  #page(): Response {
    const nonce = randomBytes(16).toString('base64')
    return new Response(this.#index.replaceAll(NONCE_PLACE, nonce), {
      headers: {
        'content-type': TYPES['.html'] ?? '',
        'content-security-policy': cspOfPage(nonce),
        // The nonce is of this answer alone.
        'cache-control': 'no-store',
      },
    })
  }

  /** Reads the files anew when the page was built anew. */
  #refresh(): void {
    const index = join(this.#folder, 'index.html')
    const builtMs = existsSync(index) ? statSync(index).mtimeMs : 0
    if (builtMs === this.#builtMs) return
    this.#files = builtMs === 0 ? new Map() : filesOf(this.#folder)
    this.#index = builtMs === 0 ? '' : readFileSync(index, 'utf8')
    this.#builtMs = builtMs
  }
}

function filesOf(folder: string): Map<string, PageFile> {
  const entries: Dirent[] = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const known = new Set(paths)
  const found = new Map<string, PageFile>()
  for (const path of paths) {
    const type = TYPES[extname(path)]
    if (type === undefined) continue
    const bytes = new Uint8Array(readFileSync(path))
    const packed = PACKED.filter(([, end]) => known.has(`${path}${end}`)).map(
      ([name, end]): [string, Uint8Array<ArrayBuffer>] => [name, new Uint8Array(readFileSync(`${path}${end}`))],
    )
    const name = `/${relative(folder, path).split(sep).join('/')}`
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    const cache = name.startsWith(DIGESTED) ? FOR_GOOD : ASK_AGAIN
    found.set(name, { type, cache, etag, bytes, packed: new Map(packed) })
  }
  return found
}

function fileResponse(c: Context, file: PageFile): Response {
  const headers = { 'content-type': file.type, 'cache-control': file.cache, etag: file.etag, vary: 'accept-encoding' }
  if (c.req.header('if-none-match') === file.etag) return new Response(null, { status: 304, headers })
  const accepted = (c.req.header('accept-encoding') ?? '').toLowerCase()
  const name = [...file.packed.keys()].find((each) =>
    new RegExp(`\\b${each}\\b(?!\\s*;\\s*q=0(?:\\.0*)?\\b)`).test(accepted),
  )
  const packed = name === undefined ? undefined : file.packed.get(name)
  return packed === undefined || name === undefined
    ? new Response(file.bytes, { headers })
    : new Response(packed, { headers: { ...headers, 'content-encoding': name } })
}

const accepts = (c: Context, type: string): boolean => (c.req.header('accept') ?? '').includes(type)

const text = (body: string, status: number): Response =>
  new Response(body, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } })
