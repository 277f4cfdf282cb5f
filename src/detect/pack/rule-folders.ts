/** Where rule files are. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the rules that come with the program; beside `src`, and beside `dist` in the package. */
export const SHIPPED_RULES: string = fileURLToPath(new URL('../../../rules', import.meta.url))

/** A rule file. */
export interface RuleText {
  readonly file: string
  readonly text: string
}

/** Open files at a time. */
const AT_ONCE = 32

/**
 * Paths of the YAML files of a folder, those below it too, in the order of their names; what begins with a dot is passed over.
 * A path to a file is that file.
 */
export async function ruleFilesIn(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/(^|[\\/])\.[^\\/]/.test(file.slice(path.length)))
    .sort()
}

/** The texts of files, in their order; `failed` is told of those that cannot be read. */
export async function textsOf(
  files: readonly string[],
  failed: (file: string, cause: unknown) => void,
): Promise<RuleText[]> {
  const texts: RuleText[] = []
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const read = files.slice(at, at + AT_ONCE).map(async (file) => {
      try {
        return [{ file, text: await readFile(file, 'utf8') }]
      } catch (cause) {
        failed(file, cause)
        return []
      }
    })
    texts.push(...(await Promise.all(read)).flat())
  }
  return texts
}
