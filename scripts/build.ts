/**
 * Compiles `src` to `dist`, for the package only: Node strips no types under node_modules. Everything keeps its place, so
 * that paths relative to a module are the same in both.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')

/** A script that a module starts as a process of its own; the compiler rewrites imports only. */
const STARTED = /(new URL\('\.[^']+)\.ts(',\s*import\.meta\.url\))/g

// The page is built by a script of its own, which knows when it is up to date.
for (const name of existsSync(dist) ? readdirSync(dist) : []) {
  if (!name.startsWith('web')) rmSync(join(dist, name), { recursive: true, force: true })
}
// The types are of the one entry point that programs import.
for (const project of ['tsconfig.build.json', 'tsconfig.types.json']) {
  const compiler = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], {
    cwd: root,
    stdio: 'inherit',
  })
  if (compiler.status !== 0) process.exit(compiler.status ?? 1)
}
cpSync(join(root, 'src'), dist, {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || path.endsWith('.json'),
})
const modules = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.js') && !/^web[\\/]/.test(path),
)
for (const path of modules) {
  const text = readFileSync(join(dist, path), 'utf8')
  const rewritten = text.replaceAll(STARTED, '$1.js$2')
  if (rewritten !== text) writeFileSync(join(dist, path), rewritten)
}
console.log(`dist: ${modules.length} modules`)
