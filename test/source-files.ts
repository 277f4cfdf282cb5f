/** The repository as its own tests see it: files, what they import, what they export. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds package.json. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

/** A file of the repository as text. */
export const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const NOT_OURS = new Set([
  'node_modules',
  '.git',
  '.venv',
  '.python',
  'bricktrail-data',
  'bricktrail-demo',
  'bench-data',
  'coverage',
])

/** Files under a folder, as paths from the root with forward slashes; empty where there is no such folder. */
export function filesUnder(folder: string, pattern: RegExp): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: false })
  return entries
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : filesUnder(path, pattern)
      return pattern.test(entry.name) ? [path.split(sep).join('/')] : []
    })
    .sort()
}

/** True for files that only tests load. */
export const isForTests = (path: string): boolean => /\.(test|suite|fixture)\.tsx?$/.test(path)

/** What a source file names in imports and re-exports, types and dynamic imports too. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text)
  const patterns = [
    /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?\sfrom\s+'([^']+)'/g,
    /(?:^|\n)\s*import\s+'([^']+)'/g,
    /\bimport\(\s*'([^']+)'/g,
    /new URL\('(\.[^']+\.ts)',\s*import\.meta\.url\)/g,
  ]
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''))
}

/** The file a relative import names. */
export const resolved = (from: string, specifier: string): string =>
  normalize(join(dirname(from), specifier))
    .split(sep)
    .join('/')

/** Blank where comments stood; what looks like a comment inside a string only makes fewer imports be seen there. */
const withoutComments = (text: string): string => text.replaceAll(/\/\*\*?[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')

/** Names a file declares and exports without a doc comment right above; re-exports carry their own. */
export function undocumentedExports(text: string): string[] {
  const lines = text.split('\n')
  return lines.flatMap((line, at) => {
    const name =
      /^export (?:default )?(?:declare |abstract |async )*(?:const|let|function\*?|class|interface|type|enum) ([\w$]+)/.exec(
        line,
      )?.[1]
    return name === undefined || lines[at - 1]?.trimEnd().endsWith('*/') ? [] : [name]
  })
}

/** Every way round from a file back to itself, one for each knot of files. */
export function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) {
      cycles.push([...path.slice(at), file])
      return
    }
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return cycles
}
