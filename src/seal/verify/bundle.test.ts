import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { canonical } from '../entry.ts'
import { verifyBundle } from './bundle.ts'
import { exportPeriod } from './export-period.ts'
import { keysUnder } from './log-files.ts'
import { SealedHome } from './sealed-home.fixture.ts'

let home: SealedHome
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-bundle-'))
  home = await SealedHome.make()
  await home.commit({ received: Buffer.from('{"a":1}\n') })
  await home.commit({ checkpoint: true })
  await home.commit({ table: 'rejects' })
  await home.commit({ received: Buffer.from('{"a":2}\n{"b":1}\n') })
  await home.rotate()
  await home.commit({ checkpoint: true, received: Buffer.from('{"a":5}\n'), encoding: 'none' })
  await home.commit({ table: 'rejects' })
  await home.commit()
})
afterEach(async () => {
  await home.dispose()
  await rm(folder, { recursive: true, force: true })
})

const firstKey = (): string => /"previous":"([^"]+)"/.exec(home.entries[5] ?? '')?.[1] ?? ''
const all = { files: true, raw: true }
const found = async (options: Parameters<typeof verifyBundle>[1] = {}): Promise<string[]> => {
  const { findings } = await verifyBundle(folder, { key: home.key.vkey, ...options })
  return findings.map(({ kind, leaf, where }) => `${kind} ${leaf ?? '-'} ${where}`)
}

describe('an exported period', () => {
  it.each([
    [0, 9],
    [0, 1],
    [2, 5],
    [3, 9],
    [4, 8],
    [5, 6],
    [6, 7],
  ])('from %i to %i verifies without the home', async (from, to) => {
    const done = await exportPeriod(home.root, folder, { from, to, ...all })
    expect(done).toMatchObject({ leaves: to - from })
    const report = await verifyBundle(folder, { key: to > 5 ? home.key.vkey : firstKey() })
    expect(report.findings).toEqual([])
    expect(report).toMatchObject({ ok: true, checked: { leaves: to - from }, log: { size: to } })
  })

  it('is verified by an older key through the handover it holds, and by no other key', async () => {
    await exportPeriod(home.root, folder, { from: 4, to: 8, ...all })
    expect(await found({ key: firstKey() })).toEqual([])
    const other = await SealedHome.make(home.origin)
    expect(await found({ key: other.key.vkey })).toEqual(['unverifiable - seal/checkpoints/00000000000000000008'])
    await other.dispose()
  })

  it('has a finding for a consistency proof that does not hold, though the leaves lead to the root', async () => {
    await exportPeriod(home.root, folder, { from: 3, to: 9, ...all })
    const period = JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8'))
    const [first, ...others] = period.consistency
    const another = Buffer.from(first, 'base64').reverse().toString('base64')
    for (const consistency of [[another, ...others], others, []]) {
      await writeFile(join(folder, 'bundle.json'), canonical({ ...period, consistency }))
      expect(await found()).toEqual(['changed - bundle.json'])
    }
  })

  it.each([
    ['a pipe', (path: string) => spawnSync('mkfifo', [path])],
    ['a folder', (path: string) => mkdir(path)],
    ['a device', (path: string) => symlink('/dev/zero', path)],
    [
      'longer than any',
      async (path: string) => {
        await writeFile(path, '')
        await truncate(path, 2 ** 40)
      },
    ],
  ])('tells of %s in the place of its leaves', async (_, put) => {
    await exportPeriod(home.root, folder, { from: 2, to: 9, ...all })
    await rm(join(folder, 'entries.jsonl'))
    await put(join(folder, 'entries.jsonl'))
    expect(await found()).toEqual(['changed 2 entries.jsonl'])
  })

  it('names the manifest that was changed, and accuses no file that it told of', async () => {
    await exportPeriod(home.root, folder, { from: 0, to: 9, ...all })
    const manifest = keysUnder(join(folder, 'seal/manifests'))[0] ?? ''
    const path = join(folder, 'seal/manifests', manifest)
    await writeFile(path, (await readFile(path)).fill(0x20, 9, 10))
    const all9 = await found()
    expect(all9).toHaveLength(1)
    expect(all9[0]).toMatch(new RegExp(`^changed \\d seal/manifests/${manifest}$`))
  })

  it('says what was not exported, and what was gone by then', async () => {
    await rm(home.at('lake/events/event_date=2026-03-01/b0-0.parquet'))
    await exportPeriod(home.root, folder, { from: 0, to: 4, files: true, raw: false })
    const report = await verifyBundle(folder)
    expect(report.findings).toEqual([])
    expect(report.notChecked).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/key was taken from the folder/),
        expect.stringMatching(/What was received/),
        expect.stringMatching(/^2 files that were gone or replaced.*by the word of who exported it/),
        'Said to be gone or replaced: lake/events/event_date=2026-03-01/b0-0.parquet.',
      ]),
    )
  })

  it('has a finding for every file in which a byte is flipped, and none for what it copied along as a help', async () => {
    await exportPeriod(home.root, folder, { from: 3, to: 9, ...all })
    const missed: string[] = []
    const files = keysUnder(folder)
    expect(files.length).toBeGreaterThan(20)
    for (const path of files) {
      const bytes = await readFile(join(folder, path))
      for (let place = 0; place < 5; place++) {
        const at = Math.floor(((bytes.length - 1) * place) / 4)
        const flipped = Buffer.from(bytes)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (place + 1))
        await writeFile(join(folder, path), flipped)
        if ((await found()).length === 0) missed.push(path)
      }
      await writeFile(join(folder, path), bytes)
    }
    // The keys were given, and the handover is not in doubt: key files prove nothing here.
    expect([...new Set(missed)].filter((path) => !path.startsWith('seal/keys/'))).toEqual([])
  })

  it('looks at files that it need not hold and holds, and at those that no leaf names', async () => {
    const [data, raw] = ['lake/events/event_date=2026-03-01/b3-0.parquet', 'manifests/000000003.json']
    await rm(home.at(data))
    await exportPeriod(home.root, folder, { from: 3, to: 9, ...all })
    expect(await found()).toEqual([])
    await writeFile(join(folder, data), 'another')
    expect(await found()).toEqual([`changed 6 ${data}`])
    await rm(join(folder, data))
    const bundle = await readFile(join(folder, 'bundle.json'), 'utf8')
    await writeFile(join(folder, 'bundle.json'), bundle.replace('"files":true', '"files":false'))
    await writeFile(join(folder, raw), 'another')
    await writeFile(join(folder, 'lake/events/planted.parquet'), 'PAR1')
    await mkdir(join(folder, 'lake/more'))
    await writeFile(join(folder, 'lake/more/planted.parquet'), 'PAR1')
    await writeFile(join(folder, 'raw/planted'), 'bytes')
    expect(await found()).toEqual([
      'unverifiable - lake/events/planted.parquet',
      'unverifiable - raw/planted',
      expect.stringMatching(`^changed \\d ${raw}$`),
    ])
  })

  it('of a home with a restore in it holds what still is as it was sealed, and says what is not', async () => {
    const later = 'lake/events/_delta_log/00000000000000000004.json'
    await rm(home.at(later))
    await home.restore('events', 3, 'a backup')
    const adds = [{ path: 'event_date=2026-03-01/x-0.parquet', bytes: Buffer.from('another'), rows: 1 }]
    await home.commit({ adds, received: Buffer.from('{"a":7}\n') })
    for (const [from, to] of [
      [0, 9],
      [4, 9],
      [0, 11],
      [9, 11],
    ] as const) {
      const out = join(folder, `${from}-${to}`)
      await exportPeriod(home.root, out, { from, to, ...all })
      const { findings } = await verifyBundle(out, { key: home.key.vkey })
      expect(findings).toEqual([])
    }
  })

  it('misses what was taken out: leaves, files, manifests, a checkpoint', async () => {
    await exportPeriod(home.root, folder, { from: 3, to: 9, ...all })
    const lines = (await readFile(join(folder, 'entries.jsonl'), 'utf8')).split('\n')
    const saved = lines.join('\n')
    await writeFile(join(folder, 'entries.jsonl'), lines.toSpliced(2, 1).join('\n'))
    expect(await found()).toEqual(['missing 8 entries.jsonl'])
    await writeFile(join(folder, 'entries.jsonl'), `${lines.join('\n')}${lines[0]}\n`)
    expect(await found()).toEqual(['changed 9 entries.jsonl'])
    await writeFile(join(folder, 'entries.jsonl'), [lines[1], lines[0], ...lines.slice(2)].join('\n'))
    expect((await found())[0]).toBe('changed 3 entries.jsonl')
    await writeFile(join(folder, 'entries.jsonl'), saved)
    await rm(join(folder, 'lake/events/event_date=2026-03-01/b3-0.parquet'))
    expect(await found()).toEqual(['missing 6 lake/events/event_date=2026-03-01/b3-0.parquet'])
    await rm(join(folder, 'seal/checkpoints/00000000000000000003'))
    expect(await found()).toEqual(['missing 2 seal/checkpoints/00000000000000000003'])
  })

  it('is held against checkpoints that were kept', async () => {
    await exportPeriod(home.root, folder, { from: 3, to: 7, ...all })
    const bytes = Buffer.from(home.noteOf(9))
    const { notChecked } = await verifyBundle(folder, { checkpoints: [{ name: 'later', bytes }] })
    expect(notChecked).toContain('later is of a size outside the period.')
    const forged = Buffer.from(home.noteOf(5).replace('\n5\n', '\n6\n'))
    expect(await found({ checkpoints: [{ name: 'forged', bytes: forged }] })).toEqual(['changed 5 forged'])
    const mine = await home.read('seal/checkpoints/00000000000000000005')
    expect(await found({ checkpoints: [{ name: 'mine', bytes: mine }] })).toEqual([])
  })

  it('is not made where no checkpoint was signed, of a damaged home, or over another', async () => {
    await home.append(
      [1, 2].map(
        (n) => `{"generator":"t","kind":"config","settings":{"n":${n}},"time":"2026-03-02T00:00:00.000Z","v":1}`,
      ),
    )
    const refused = (options: { from: number; to: number }) => exportPeriod(home.root, folder, { ...options, ...all })
    await expect(refused({ from: 0, to: 10 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(refused({ from: 4, to: 4 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await rm(home.at('seal/manifests'), { recursive: true })
    await expect(refused({ from: 0, to: 9 })).rejects.toMatchObject({ code: 'BAD_SEAL' })
    await writeFile(join(folder, 'file'), '')
    await expect(refused({ from: 0, to: 11 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    expect(await readdir(folder)).toEqual(['file'])
  })
})

it('a folder of proofs is as good as its proofs', async () => {
  await expect(verifyBundle(folder)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await writeFile(join(folder, 'one.tlog-proof'), 'c2sp.org/tlog-proof@v1\nindex 0\n\nnothing\n')
  expect(await found()).toEqual(['unverifiable - one.tlog-proof'])
})
