/**
 * Official clients for tests: those of the project where they are installed with it, or of the peers. Where neither has one, tests that need it
 * are left out; `npm run test:peers` installs them and runs these tests again.
 */
import { existsSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const PLACES = [join(ROOT, 'node_modules'), join(ROOT, 'test/peers/node_modules')]

const placeOf = (name: string): string | undefined => PLACES.find((place) => existsSync(join(place, name)))

/** Whether a package is there. */
export const hasClient = (name: string): boolean => placeOf(name) !== undefined

/** Makes a package loadable from a folder, as after `npm install` there. */
export async function withClient(folder: string, name: string): Promise<void> {
  const place = placeOf(name)
  if (place !== undefined && !existsSync(join(folder, 'node_modules')))
    await symlink(place, join(folder, 'node_modules'), 'dir')
}
