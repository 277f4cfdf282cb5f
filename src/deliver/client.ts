/** Official clients of clouds: not among Bricktrail's own packages, since they are large and few need one; loaded where they are installed. */
import { AppError } from '../core/errors.ts'

/**
 * Loads a package.
 * @throws AppError MISSING_PACKAGE with what to run
 */
export async function installed<T>(name: string, kind: string): Promise<T> {
  try {
    return (await import(name)) as T
  } catch (cause) {
    if ((cause as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new AppError('MISSING_PACKAGE', `Destinations of the kind ${kind} need the package ${name}.`, {
      hint: `Run: npm install ${name}`,
      cause,
    })
  }
}
