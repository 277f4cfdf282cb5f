/** Cursors of pages: the keys of the last row, as text that says nothing to its reader. */
import { RequestProblem } from './problems.ts'

/** The cursor that stands after a row. */
export const cursorAfter = (keys: readonly string[]): string => Buffer.from(JSON.stringify(keys)).toString('base64url')

/**
 * The keys of a cursor, each of which fits its pattern; undefined where none was given.
 *
 * @param name of the parameter it came in
 * @throws AppError BAD_ARGUMENT for anything that {@link cursorAfter} did not make
 */
export function keysOf(
  cursor: string | undefined,
  patterns: readonly RegExp[],
  name = 'cursor',
): readonly string[] | undefined {
  if (cursor === undefined) return undefined
  const keys = parsed(cursor)
  if (keys?.length === patterns.length && patterns.every((pattern, at) => pattern.test(keys[at] ?? ''))) return keys
  const message = 'It is no cursor of this list.'
  throw new RequestProblem('BAD_ARGUMENT', 'The cursor is none that this list gave.', {
    hint: 'Send `nextCursor` of the page before, as it is, or leave it out.',
    errors: [{ in: 'query', name, message }],
  })
}

function parsed(cursor: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined
  } catch {
    return undefined
  }
}
