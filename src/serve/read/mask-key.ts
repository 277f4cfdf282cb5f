/** The secret behind pseudonyms: the same person has the same one, today and tomorrow. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { type Home, OWNERS_FOLDER } from '../../core/home.ts'

const KEY_BYTES = 32

/** Reads the home's key, or makes it; a file for its owner only. Throws BAD_HOME where it is damaged. */
export async function maskKey(home: Home): Promise<string> {
  const path = join(home.root, 'mask.key')
  return (await keyAt(path)) ?? make(home, path)
}

async function keyAt(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new AppError('BAD_HOME', `${path} cannot be read.`, { cause })
  })
  if (text === undefined) return undefined
  if (new RegExp(`^[0-9a-f]{${KEY_BYTES * 2}}\\n$`).test(text)) return text.trim()
  throw new AppError('BAD_HOME', `${path} is no key.`, {
    hint: 'Put back its copy, or remove it: people then get other pseudonyms.',
  })
}

/** Two processes at once make one key: a link, unlike a rename, replaces nothing. */
async function make(home: Home, path: string): Promise<string> {
  await mkdir(home.root, OWNERS_FOLDER)
  const made = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(made, 'wx', 0o600)
  try {
    await file.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(made, path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EEXIST') throw cause
    })
  } finally {
    await rm(made, { force: true })
  }
  return (await keyAt(path)) ?? make(home, path)
}
