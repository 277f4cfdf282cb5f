/** What the routes over events have in common. */
import { AppError } from '../../core/errors.ts'
import type { ServeDeps } from '../contract.ts'
import { LakeReader } from './lake-reader.ts'

/** The reader behind the questions; a server without one has no lake. */
export function readerOf({ lake }: Pick<ServeDeps, 'lake'>): LakeReader {
  if (lake instanceof LakeReader) return lake
  throw new AppError('NO_LAKE', 'This server has no lake.')
}
