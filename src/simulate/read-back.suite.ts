/** Reads a simulation back, for the tests. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { LABELS, type Labels } from './labels.ts'

/** A record of any form, as JSON.parse gives it: the tests pick three shapes apart. */
export type AnyRecord = ReturnType<typeof JSON.parse>

/** Paths of the log files below `out`, sorted, labels left out. */
export async function logFiles(out: string): Promise<string[]> {
  const entries = await readdir(out, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name !== LABELS)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Every record of a simulation; throws on a line that is no JSON. */
export async function records(out: string): Promise<AnyRecord[]> {
  const all: AnyRecord[] = []
  for (const path of await logFiles(out)) {
    const raw = await readFile(path)
    const text = (path.endsWith('.gz') ? gunzipSync(raw) : raw).toString()
    if (!text.endsWith('\n')) throw new Error(`${path} does not end with a line end`)
    for (const line of text.slice(0, -1).split('\n')) all.push(JSON.parse(line))
  }
  return all
}

/** The labels of a simulation. */
export const labelsIn = async (out: string): Promise<Labels> => JSON.parse(await readFile(join(out, LABELS), 'utf8'))

/** One digest over names and bytes of all files. */
export async function digest(out: string): Promise<string> {
  const hash = createHash('sha256')
  for (const path of await logFiles(out)) {
    hash.update(path.slice(out.length)).update('\0')
    hash.update(await readFile(path))
  }
  return hash.update(await readFile(join(out, LABELS))).digest('hex')
}
