/** Data files that are no longer what was written, told from the engine's words. */
import { AppError, messageOf } from '../core/errors.ts'

/** What the engine says of them; only some of it names the file. */
const SAYS =
  /^(?:Failed to \w+ statements?: )?Invalid (?:Input )?Error: (?:TProtocolException|don't know what type|Out of buffer|File ['"](.+)['"] too small to be a Parquet|No magic bytes found at \w+ of file ['"](.+)['"]|Footer length error in file ['"](.+)['"]|Failed to read file ['"](.+?)['"]: )/

/** The failure of a statement over the lake's own files, where one of them is damaged; undefined for any other. */
export function damagedFile(cause: unknown): AppError | undefined {
  const says = SAYS.exec(messageOf(cause))
  if (says === null) return undefined
  const path = says.slice(1).find((each) => each !== undefined)
  const what = path === undefined ? 'A data file of the lake' : `The data file ${path}`
  const where = path === undefined ? {} : { where: path }
  return new AppError('BAD_LAKE', `${what} is damaged.`, {
    hint: 'Run `bricktrail verify` to see which files are damaged.',
    ...where,
    cause,
  })
}
