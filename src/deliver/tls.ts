/** Certificates that destinations are trusted by. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { rootCertificates } from 'node:tls'
import { AppError } from '../core/errors.ts'
import type { SinkContext } from './contract.ts'

/**
 * Certificates of a PEM file, besides those that are trusted anyway; undefined where no file is named.
 * @throws AppError BAD_HOME
 */
export async function trustedBy(
  path: string | undefined,
  { folder }: Pick<SinkContext, 'folder'>,
): Promise<string[] | undefined> {
  if (path === undefined) return undefined
  const file = resolve(folder, path)
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('BAD_HOME', `${file} cannot be read: ${cause.code ?? cause.message}`, { where: file, cause })
  })
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new AppError('BAD_HOME', `${file} holds no certificate.`, {
      where: file,
      hint: 'Give a PEM file that begins with -----BEGIN CERTIFICATE-----.',
    })
  return [...rootCertificates, text]
}
