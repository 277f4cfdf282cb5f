import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as verify from './verify.ts'

const ENTRY = join(import.meta.dirname, 'verify.ts')

/** What opens neither a database nor the network. */
const ALLOWED = new Set([
  'node:crypto',
  'node:fs',
  'node:fs/promises',
  'node:path',
  'node:stream',
  'node:worker_threads',
  'node:zlib',
  'json-canonicalize',
  'pkijs',
])

/** Loaded only where a certificate file was given. */
const ON_DEMAND = new Set(['pkijs'])

interface Import {
  readonly from: string
  readonly specifier: string
  readonly onDemand: boolean
}

/** Imports that remain when types are gone, and what is started as a thread. */
function importsIn(text: string, path: string): Import[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '')
  const statements = [...code.matchAll(/^(?:import|export)\s+(?!type\b)([\w*,{}\s$]*?)\s+from\s+'([^']+)'/gm)]
  const bare = [...code.matchAll(/^import\s+'([^']+)'/gm)].map((match) => match[1] ?? '')
  const kept = statements.filter(([, names = '']) => {
    const outside = names.replace(/\{[\s\S]*\}/, '').replaceAll(/[\s,]/g, '')
    const inside = (/\{([\s\S]*)\}/.exec(names)?.[1] ?? '').split(',').map((name) => name.trim())
    return outside !== '' || inside.some((name) => name !== '' && !name.startsWith('type '))
  })
  const dynamic = [...code.matchAll(/\bimport\(\s*'([^']+)'/g)].map((match) => match[1] ?? '')
  const started = [...code.matchAll(/new URL\('(\.[^']+)'/g)].map((match) => match[1] ?? '')
  return [
    ...kept.map((match) => ({ from: path, specifier: match[2] ?? '', onDemand: false })),
    ...[...bare, ...started].map((specifier) => ({ from: path, specifier, onDemand: false })),
    ...dynamic.map((specifier) => ({ from: path, specifier, onDemand: true })),
  ]
}

function graph(): { files: Set<string>; imports: Import[]; onDemand: Set<string> } {
  const files = new Set([ENTRY])
  const onDemand = new Set<string>()
  const imports: Import[] = []
  for (const path of files) {
    for (const found of importsIn(readFileSync(path, 'utf8'), path)) {
      imports.push(found)
      if (!found.specifier.startsWith('.')) continue
      const target = join(dirname(path), found.specifier)
      if ((found.onDemand || onDemand.has(path)) && !files.has(target)) onDemand.add(target)
      files.add(target)
    }
  }
  return { files, imports, onDemand }
}

it('imports of every kind are noticed', () => {
  const code = [
    "import a, { type A } from './a.ts'",
    "import {\n  b,\n  type B,\n} from './b.ts'",
    "import type { C } from './c.ts'",
    "import { type D } from './d.ts'",
    "export { e } from './e.ts'",
    "export * from './f.ts'",
    "import './g.ts'",
    "export const text = 'h.ts'",
    "const i = await import('./i.ts')",
    "new Worker(new URL('./j.ts', import.meta.url))",
    "import * as k from './k.ts'",
    "export type { L } from './l.ts'",
  ].join('\n')
  expect(
    importsIn(code, '')
      .map(({ specifier }) => specifier)
      .sort(),
  ).toEqual(['a', 'b', 'e', 'f', 'g', 'i', 'j', 'k'].map((name) => `./${name}.ts`))
})

describe('the entry point of the verifier', () => {
  const { files, imports, onDemand } = graph()

  it('imports no database and no network, by whatever way', () => {
    expect(files.size).toBeGreaterThan(30)
    const outside = imports.filter(({ specifier }) => !specifier.startsWith('.'))
    expect(outside.filter(({ specifier }) => !ALLOWED.has(specifier))).toEqual([])
    const rooms = new Set([...files].map((path) => /\/src\/(\w+)/.exec(path)?.[1]))
    expect([...rooms].sort()).toEqual(['core', 'seal'])
  })

  it('loads what reads certificates only when it is asked to', () => {
    const early = imports.filter(({ from, specifier }) => ON_DEMAND.has(specifier) && !onDemand.has(from))
    expect(early).toEqual([])
  })

  it('reaches no file that opens a database or a network, when it runs', () => {
    const script = `import { registerHooks } from 'node:module'
      const seen = []
      registerHooks({ resolve: (specifier, context, next) => (seen.push(specifier), next(specifier, context)) })
      await import(${JSON.stringify(ENTRY)})
      console.log(JSON.stringify(seen))`
    const done = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(done.stderr).toBe('')
    const seen = (JSON.parse(done.stdout) as string[]).filter((specifier) => !/^(\.|\/|file:)/.test(specifier))
    expect(seen.filter((specifier) => !ALLOWED.has(specifier) || ON_DEMAND.has(specifier))).toEqual([])
  })

  it('gives what a program needs that verifies, and nothing that writes', () => {
    expect(Object.keys(verify).sort()).toEqual(['folderKind', 'isBundle', 'verifyBundle', 'verifyHome', 'verifyProof'])
  })
})

it('the package gives it under the name bricktrail/verify', () => {
  const { exports } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  const module = './dist/seal/verify'
  expect(exports['./verify']).toEqual({ types: `${module}.d.ts`, default: `${module}.js` })
})
