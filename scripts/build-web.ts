/**
 * Builds `web` to `dist/web`, and puts a compressed copy beside each file that is worth it. `npm ci` runs it through `prepare`; where
 * nothing changed since the last time it does nothing. Where the packages for building are not installed it says so, and fails nothing:
 * the command line works without the page.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

// Whatever runs this, such as a test: people get the small and fast build of the libraries.
process.env.NODE_ENV = 'production'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const out = join(root, 'dist', 'web')
const stamp = join(root, 'dist', 'web.sha256')

/** Smaller files gain nothing that a packet would notice. */
const LEAST_BYTES = 1024

/** Files whose text the server fills in cannot be compressed beforehand. */
const COMPRESSED = /\.(js|css|svg|json)$/

const state = inputs()
if (existsSync(join(out, 'index.html')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === state) {
  console.log('dist/web is up to date')
} else await build()

async function build(): Promise<void> {
  const vite = await import('vite').catch(() => undefined)
  if (vite === undefined || !existsSync(join(root, 'node_modules', '@mantine', 'core'))) {
    console.log(
      'dist/web was not built: its packages are not installed (run `npm ci` without --omit=dev to have the page).',
    )
    return
  }
  // Made beside the old one and then put in its place: a server that runs never sees half of it.
  const fresh = `${out}-${process.pid}`
  const build = { outDir: fresh, emptyOutDir: true }
  await vite.build({ configFile: join(root, 'web', 'vite.config.ts'), logLevel: 'error', build })
  const files = filesOf(fresh).filter((path) => COMPRESSED.test(path) && statSync(path).size >= LEAST_BYTES)
  let bytes = 0
  for (const path of files) bytes += compress(path)
  const old = `${fresh}-old`
  if (existsSync(out)) renameSync(out, old)
  renameSync(fresh, out)
  rmSync(old, { recursive: true, force: true })
  writeFileSync(stamp, state)
  console.log(`dist/web: ${files.length} files, ${Math.round(bytes / 1024)} kB as gzip`)
}

/** Writes both compressed copies; answers with the size as gzip. */
function compress(path: string): number {
  const content = readFileSync(path)
  const gzip = gzipSync(content, { level: 9 })
  writeFileSync(`${path}.gz`, gzip)
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }))
  return gzip.length
}

/** A digest of everything the page is made of. */
function inputs(): string {
  const hash = createHash('sha256')
  const files = [...filesOf(join(root, 'web')), join(root, 'package-lock.json'), fileURLToPath(import.meta.url)]
  for (const path of files.sort()) {
    if (existsSync(path)) hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path))
  }
  return hash.digest('hex')
}

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
