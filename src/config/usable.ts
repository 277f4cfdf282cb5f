/** Whether settings can be served with: what the file alone does not tell. */
import { access, constants } from 'node:fs/promises'
import { AppError, messageOf } from '../core/errors.ts'
import { rolesWith } from '../serve/auth/roles.ts'
import type { Config } from './config.ts'
import { checkOpenness } from './openness.ts'

/**
 * Looks at roles, at who could listen in, and at the certificate.
 *
 * @param hasTokens whether `access.db` holds a token
 * @throws AppError BAD_HOME
 */
export async function checkUsable(config: Config, hasTokens: boolean): Promise<void> {
  rolesWith(config.serve.access.roles)
  for (const path of [config.serve.tls?.certFile, config.serve.tls?.keyFile])
    if (path !== undefined) await checkReadable(path, config.file)
  checkOpenness(config, hasTokens)
}

async function checkReadable(path: string, file: string | undefined): Promise<void> {
  try {
    await access(path, constants.R_OK)
  } catch (cause) {
    throw new AppError('BAD_HOME', `${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'See serve.tls.',
      ...(file === undefined ? {} : { where: file }),
      cause,
    })
  }
}
