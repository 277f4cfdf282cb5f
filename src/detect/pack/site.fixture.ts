/** Folders of rules and settings for tests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder with these files, removed by `remove`. */
export interface Site {
  readonly folder: string
  readonly path: (file: string) => string
  readonly write: (file: string, text: string) => Promise<string>
  readonly remove: () => Promise<void>
}

/** Makes a folder. */
export async function newSite(files: Readonly<Record<string, string>> = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-pack-'))
  const path = (file: string): string => join(folder, file)
  const write = async (file: string, text: string): Promise<string> => {
    await mkdir(dirname(path(file)), { recursive: true })
    await writeFile(path(file), text)
    return path(file)
  }
  for (const [file, text] of Object.entries(files)) await write(file, text)
  return { folder, path, write, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** A detection rule of one line, with what else its document says. */
export const simpleRule = (name: string, line = 'actionName: login', more = ''): string =>
  `title: Rule ${name}\nname: ${name}\nlogsource:\n  product: databricks\ndetection:\n  selection:\n    ${line}\n  condition: selection\n${more}`

/** A correlation that counts a rule. */
export const countOf = (name: string, rule: string, condition = 'gte: 5', more = ''): string =>
  `title: Count ${name}\nname: ${name}\ncorrelation:\n  type: event_count\n  rules: [${rule}]\n  group-by: [actor.email]\n  timespan: 1h\n  condition:\n    ${condition}\n${more}`
