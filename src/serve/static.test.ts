import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { type Ask, type Served, served } from './served.fixture.ts'
import { PageFiles } from './static.ts'

const INDEX = `<!doctype html><meta property="csp-nonce" nonce="__CSP_NONCE__"><style nonce="__CSP_NONCE__"></style>`
const CODE = 'console.log("the code of the page")'

let root: string
let web: string
let at: Served

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bricktrail-static-'))
  web = join(root, 'web')
  await mkdir(join(web, 'assets'), { recursive: true })
  await writeFile(join(web, 'index.html'), INDEX)
  await writeFile(join(web, 'scheme.js'), 'let scheme')
  await writeFile(join(web, 'assets', 'index-a1b2.js'), CODE)
  await writeFile(join(web, 'assets', 'index-a1b2.js.br'), brotliCompressSync(CODE))
  await writeFile(join(web, 'assets', 'index-a1b2.js.gz'), gzipSync(CODE))
  await writeFile(join(web, 'assets', 'notes.exe'), 'of no known kind')
  at = served(homeAt(root), [], { page: new PageFiles(web) })
})
afterEach(async () => {
  await at.close()
  await rm(root, { recursive: true })
})

const get = (path: string, headers: Record<string, string> = {}, ask: Ask = {}) => at.fetch(path, { headers, ...ask })

it('gives every path of the page the page, each time with a nonce of its own', async () => {
  const nonces = new Set<string>()
  for (const path of ['/', '/events?q=x', '/entities/person/ana@example.com', '/index.html']) {
    const answer = await get(path, { accept: 'text/html' })
    expect(answer.status, path).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const policy = answer.headers.get('content-security-policy') ?? ''
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-")
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(await answer.text()).toBe(INDEX.replaceAll('__CSP_NONCE__', nonce))
    nonces.add(nonce)
  }
  expect(nonces.size).toBe(4)
})

it('lets browsers keep files with a digest in their name for good, and ask again for the others', async () => {
  const kept = await get('/assets/index-a1b2.js')
  expect(kept.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(kept.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  const asked = await get('/scheme.js')
  expect(asked.headers.get('cache-control')).toBe('no-cache')
  const again = await get('/scheme.js', { 'if-none-match': asked.headers.get('etag') ?? '' })
  expect([again.status, await again.text()]).toEqual([304, ''])
})

it('sends the smallest packed form that a browser takes', async () => {
  const encodingOf = async (accepted: string) =>
    (await get('/assets/index-a1b2.js', { 'accept-encoding': accepted })).headers.get('content-encoding')
  expect(await encodingOf('gzip, deflate, br')).toBe('br')
  expect(await encodingOf('gzip')).toBe('gzip')
  expect(await encodingOf('br;q=0, gzip')).toBe('gzip')
  expect(await encodingOf('identity')).toBeNull()
  const packed = await get('/assets/index-a1b2.js', { 'accept-encoding': 'br' })
  expect(packed.headers.get('vary')).toBe('accept-encoding')
  expect(brotliDecompressSync(Buffer.from(await packed.arrayBuffer())).toString()).toBe(CODE)
})

it('says that a file is not there, and gives none of an unknown kind', async () => {
  expect((await get('/assets/index-old.js', { accept: '*/*' })).status).toBe(404)
  expect((await get('/assets/notes.exe', { accept: '*/*' })).status).toBe(404)
  expect((await get('/assets/index-a1b2.js.br', { accept: '*/*' })).status).toBe(404)
  expect((await get('/', {}, { method: 'POST' })).status).toBe(404)
})

it('leaves the API to itself', async () => {
  expect((await get('/api/v1/nothing', { accept: 'text/html' })).status).toBe(401)
})

it('notices a page that was built anew, and one that was not built', async () => {
  expect(await (await get('/')).text()).toContain('csp-nonce')
  await writeFile(join(web, 'index.html'), 'another page')
  await utimes(join(web, 'index.html'), new Date(), new Date(Date.now() + 10_000))
  expect(await (await get('/')).text()).toBe('another page')
  await rm(web, { recursive: true })
  const none = await get('/')
  expect(none.status).toBe(503)
  expect(await none.text()).toContain('npm run build:web')
})
