import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeSink, type Rig } from '../sink.suite.ts'
import { legible } from '../web.fixture.ts'
import { file } from './file.ts'

const without = {
  'never answer': 'a disk answers',
  'take and hang up': 'there is no connection',
  busy: 'a disk is not busy for long',
  broken: 'shown below, by a folder in its place',
  refuse: 'a file takes everything',
  'refuse credentials': 'there are none',
  'refuse the second': 'a file takes everything',
  secrets: 'there are none',
  'plain letters': 'a program reads it',
} as const

function inFolder(folder: string): Rig {
  const path = join(folder, 'below', 'lines.jsonl')
  const lines = () =>
    existsSync(path) && statSync(path).isFile() ? readFileSync(path, 'utf8').trimEnd().split('\n') : []
  return {
    section: { path: 'below/lines.jsonl' },
    keys: () => lines().map((line) => (JSON.parse(line) as { id?: string; alertId?: string }).alertId ?? line),
    text: () => lines().map(legible).join('\n'),
    close: async () => {
      rmSync(path, { force: true, recursive: true })
      mkdirSync(path, { recursive: true })
    },
  }
}

describeSink({ kind: 'file', without, start: async (_, folder) => inFolder(folder) })
describeSink({ kind: 'event-file', without, start: async (_, folder) => inFolder(folder) })

it('a line that a crash cut off does not spoil the next', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-file-'))
  try {
    await appendFile(join(folder, 'x'), '{"half":')
    const sink = await file('messages').open({ path: 'x' }, { name: 'x', secret: () => '', timeoutMs: 1000, folder })
    const items = ['{"a":1}', '{"a":2}'].map((text, n) => ({ id: String(n), key: 'k', timeMs: 0, text }))
    await sink.send({ id: 'b', items, attempt: 1 }, AbortSignal.timeout(20_000))
    expect(readFileSync(join(folder, 'x'), 'utf8')).toBe('{"half":\n{"a":1}\n{"a":2}\n')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

it('batches that are sent at once do not mix', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-file-'))
  try {
    const sink = await file('events').open({ path: 'x' }, { name: 'x', secret: () => '', timeoutMs: 1000, folder })
    const batches = [1, 2, 3, 4].map((n) => ({
      id: String(n),
      items: [{ id: 'a', key: 'k', timeMs: 0, text: String(n).repeat(3_000_000) }],
      attempt: 1,
    }))
    await Promise.all(batches.map((batch) => sink.send(batch, AbortSignal.timeout(20_000))))
    const lines = readFileSync(join(folder, 'x'), 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => [line.length, new Set(line).size])).toEqual(Array(4).fill([3_000_000, 1]))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
