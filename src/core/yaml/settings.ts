/** Files of settings: YAML, one document, absent where nothing was decided. What is wrong is told with its place. */
import { readFile } from 'node:fs/promises'
import { AppError } from '../errors.ts'
import { readDocuments, type YamlDocument } from './documents.ts'
import { placeText } from './place.ts'

/**
 * What a file of settings holds; empty where there is none.
 * @throws AppError BAD_HOME if it cannot be read
 */
export const settingsText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return ''
    throw new AppError('BAD_HOME', `${file} cannot be read: ${cause.code ?? cause.message}`, { where: file, cause })
  })

/**
 * Settings from a text.
 *
 * @param read takes the document, and reports what is wrong with it there
 * @param usual the settings of a file that says nothing
 * @throws AppError BAD_HOME that begins with file, line and column
 */
export function settingsFrom<T>(text: string, file: string, read: (document: YamlDocument) => T, usual: () => T): T {
  const { documents, problems } = readDocuments(text, file)
  const [document, second] = documents
  second?.error([], 'Settings are one document.', 'Remove the --- before it.')
  const settings = document === undefined ? usual() : read(document)
  const faults = [...problems, ...documents.flatMap((each) => each.problems)]
  const [first, ...more] = faults.filter(({ severity }) => severity === 'error')
  if (first === undefined) return settings
  const others = more.length > 0 ? ` (${more.length} more below it)` : ''
  // The message has the place, in the form that editors and terminals make links of.
  throw new AppError('BAD_HOME', `${placeText(first.place)}: ${first.message}${others}`, { hint: first.hint })
}
