/** The record of use as it stands in its files. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Home } from '../core/home.ts'

/** One record, as far as tests look at it. */
export interface RecordLine {
  readonly serviceName: string
  readonly actionName: string
  readonly sourceIPAddress: string
  readonly sessionId?: string
  readonly userIdentity: { readonly email: string; readonly subjectName: string | null }
  readonly requestParams: Readonly<Record<string, string>>
  readonly response: { readonly statusCode: number; readonly errorMessage: string | null }
}

/** All of the record's text. */
export async function recordText(home: Home): Promise<string> {
  if (!existsSync(home.own)) return ''
  const days = (await readdir(home.own)).sort()
  const files = await Promise.all(
    days.map(async (day) => (await readdir(join(home.own, day))).sort().map((file) => join(home.own, day, file))),
  )
  return (await Promise.all(files.flat().map((file) => readFile(file, 'utf8')))).join('')
}

/** Every record, the oldest first. */
export async function recordLines(home: Home): Promise<RecordLine[]> {
  const lines = (await recordText(home)).split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as RecordLine)
}
