/** The rules in force, as commands load them, and how they are named to a reader. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { type Home, homeAt } from '../../core/home.ts'
import { printable } from '../../core/printable.ts'
import { loadPack, type PackOptions } from '../../detect/pack/load.ts'
import type { RulePack } from '../../detect/pack/pack.ts'
import type { CliContext } from '../contract.ts'
import { notOnServer } from '../server-wish.ts'

/** Where rules come from besides the settings, as flags of all commands that load them. */
export interface PackFlags {
  readonly rules?: readonly string[]
  readonly shipped?: boolean
}

/** Throws BAD_ARGUMENT for flags that say which rules to load: those of a server are its own. */
export function checkPackFlags({ rules, shipped }: PackFlags): void {
  const hint = 'The rules of a server are those in force there.'
  if (rules !== undefined) throw notOnServer('--rules', hint)
  if (shipped === false) throw notOnServer('--no-shipped', hint)
}

/** A site's settings of detection. */
export const settingsFileOf = (home: Home): string => join(home.root, 'detect.yaml')

/** Loads the rules in force; what is wrong with some is said on standard error. */
export async function packInForce(cli: CliContext, flags: PackFlags, options: PackOptions = {}): Promise<RulePack> {
  const pack = await loadPack({
    settingsFile: settingsFileOf(cli.home()),
    ...(flags.rules === undefined ? {} : { folders: flags.rules }),
    ...(flags.shipped === false ? { shipped: false } : {}),
    ...options,
  })
  const errors = pack.problems.filter(({ severity }) => severity === 'error').length
  if (errors > 0) cli.note(`${plural(errors, 'error')} in rules; \`bricktrail rules lint\` tells where.`)
  return pack
}

/** A file as the reader would name it. */
export function shownFile(file: string): string {
  const path = relative(process.cwd(), file)
  return printable(path === '' || path.startsWith('..') || isAbsolute(path) ? file : path)
}

/** Whether a file is one of these paths or lies below one. */
export const isUnder =
  (paths: readonly string[]) =>
  (file: string): boolean =>
    paths.some((path) => resolve(file) === resolve(path) || resolve(file).startsWith(`${resolve(path)}${sep}`))

/** `1 rule`, `2 rules`. */
export const plural = (count: number, what: string): string =>
  `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`

/** Runs work with a home to keep compiled networks in: the one named if it exists, else one for this run. */
export async function withCache<T>(home: Home, work: (home: Home) => Promise<T>): Promise<T> {
  if (existsSync(home.root)) return work(home)
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-rules-'))
  try {
    return await work(homeAt(folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
