/** The secret behind pseudonyms: the same person has the same one, today and tomorrow. */
import { join } from 'node:path'
import type { Home } from '../../core/home.ts'
import { homeSecret } from '../../core/home-secret.ts'

/** Reads the home's key, or makes it; a file for its owner only. Throws BAD_HOME where it is damaged. */
export const maskKey = async (home: Home): Promise<string> =>
  homeSecret(join(home.root, 'mask.key'), 'people then get other pseudonyms.')
