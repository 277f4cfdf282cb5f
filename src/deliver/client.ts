/**
 * Official clients of clouds: not among Bricktrail's own packages, since they are large and few need one. Loaded where they are installed:
 * beside Bricktrail, or in the home.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AppError } from '../core/errors.ts'

/**
 * Loads a package.
 * @param folder the home; whoever writes its settings may put packages there too
 * @throws AppError MISSING_PACKAGE with what to run
 */
export async function installed<T>(name: string, kind: string, folder: string): Promise<T> {
  const place = placeOf(name, [import.meta.url, pathToFileURL(join(folder, 'package.json')).href])
  if (place === undefined)
    throw new AppError('MISSING_PACKAGE', `Destinations of the kind ${kind} need the package ${name}.`, {
      hint: `Run: npm install --prefix ${folder} ${name}`,
    })
  const loaded = (await import(pathToFileURL(place).href)) as T & { readonly default?: T }
  // Of packages in the older form of modules, everything is certain to be in `default` only.
  return loaded.default === undefined ? loaded : { ...loaded.default, ...loaded }
}

function placeOf(name: string, from: readonly string[]): string | undefined {
  for (const place of from) {
    try {
      return createRequire(place).resolve(name)
    } catch (cause) {
      const { code } = cause as { code?: string }
      if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw cause
    }
  }
  return undefined
}
