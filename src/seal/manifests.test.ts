import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { canonical, type ManifestLists } from './entry.ts'
import { listSummary } from './lists.ts'
import { Manifests, manifestPath } from './manifests.ts'
import { hexOf, sha256 } from './merkle.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifests-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const object = (key: string) => ({
  key,
  bytes: 20_000,
  sha256: '0'.repeat(64),
  modified: '2026-11-09T00:00:00.000Z',
  form: 'delivery',
  firstByte: 0,
  lastByte: 20_000,
  records: 25,
  events: 24,
  duplicates: 1,
  rejects: 0,
  raw: { sha256: '0'.repeat(64), bytes: 20_000 },
})

it('a manifest is the canonical JSON of its lists, whatever order they and their fields come in', async () => {
  const lists: ManifestLists = {
    objects: [object('päth/"a"\\\u0001.json'), object('b'), object('\u{1f600}')],
    log: [],
    adds: [],
  }
  const { manifest, lists: summaries } = await new Manifests(folder).write(lists)
  const bytes = await readFile(join(folder, manifestPath(manifest.sha256)))
  expect(bytes.toString()).toBe(canonical(lists))
  expect(manifest).toEqual({ sha256: hexOf(sha256(bytes)), bytes: bytes.length })
  expect(summaries).toEqual({ objects: listSummary(lists.objects ?? []), log: listSummary([]), adds: listSummary([]) })
})

it('a manifest without lists is one too', async () => {
  const { manifest, lists } = await new Manifests(folder).write({})
  expect(await readFile(join(folder, manifestPath(manifest.sha256)), 'utf8')).toBe('{}')
  expect(lists).toEqual({})
})
