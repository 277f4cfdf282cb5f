/** Secrets as settings name them: `env:NAME` or `file:/PATH`. What they hold is in no message and no print. */
import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { AppError } from '../core/errors.ts'

/** What a reference looks like; `undefined` if it is one. */
export function referenceFault(reference: string): string | undefined {
  const [, scheme, name = ''] = /^(env|file):(.+)$/s.exec(reference) ?? []
  if (scheme === 'env' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined
  if (scheme === 'file' && isAbsolute(name)) return undefined
  return 'Write env:NAME or file:/absolute/path; the secret itself does not belong here.'
}

/**
 * What a reference leads to, without blanks and line breaks around it.
 * @throws AppError BAD_HOME
 */
export function secretAt(reference: string, environment: NodeJS.ProcessEnv = process.env): string {
  const hint = referenceFault(reference)
  if (hint !== undefined) throw new AppError('BAD_HOME', 'A secret is not given by a reference.', { hint })
  const name = reference.slice(reference.indexOf(':') + 1)
  const value = reference.startsWith('env:') ? environment[name] : contentOf(name)
  if (value === undefined || value.trim() === '') {
    throw new AppError('BAD_HOME', `There is no secret in ${reference}.`, {
      hint: reference.startsWith('env:')
        ? `Set the variable ${name} for this process.`
        : 'Write the secret, and nothing else, into that file.',
    })
  }
  return value.trim()
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new AppError('BAD_HOME', `${path} cannot be read (${code}).`, {
      hint: 'Let the user that runs this read it.',
    })
  }
}
