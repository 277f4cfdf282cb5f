import { cp, mkdtemp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { type VerifyHomeOptions, verifyHome } from './home.ts'
import { keysUnder } from './log-files.ts'
import {
  commitFile,
  foundIn,
  hexOf,
  homeOfFour,
  noteFile,
  SealedHome,
  testKey,
  tileName,
} from './sealed-home.fixture.ts'

let home: SealedHome
beforeEach(async () => {
  home = await homeOfFour()
})
afterEach(() => home.dispose())

const found = (options: VerifyHomeOptions = {}): Promise<string[]> => foundIn(home, options)

async function edit(path: string, change: (bytes: Buffer) => Uint8Array | string): Promise<void> {
  await writeFile(home.at(path), change(await home.read(path)))
}

describe('one byte flipped', () => {
  it('in any file, at any of seven places, is found and the file is named', async () => {
    await home.rotate()
    const files = keysUnder(home.root)
    expect(files.length).toBeGreaterThan(40)
    const missed: string[] = []
    for (const path of files) {
      const bytes = await home.read(path)
      for (let place = 0; place < 7; place++) {
        const at = Math.floor(((bytes.length - 1) * place) / 6)
        const flipped = Buffer.from(bytes)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << place)
        await writeFile(home.at(path), flipped)
        const all = await found()
        if (!all.some((finding) => finding.endsWith(` ${path}`))) missed.push(`${path} at ${at}: ${all.join('; ')}`)
      }
      await writeFile(home.at(path), bytes)
    }
    expect(missed).toEqual([])
    expect(await found()).toEqual([])
  })

  it('in an entry names the leaf, where the tile above tells which', async () => {
    await home.append(Array.from({ length: 600 }, (_, at) => filler(at)))
    const path = tileName('entries', 1, 256)
    await edit(path, (bytes) => {
      const at = bytes.indexOf('{"n":300}')
      bytes[at + 5] = '9'.charCodeAt(0)
      return bytes
    })
    expect((await found())[0]).toBe(`changed 305 ${path}`)
  })

  it.each([
    ['of leaves', tileName(0, 1, 256), 256],
    ['above leaves', tileName(1, 0, 2), 0],
    ['of the newest leaves', tileName(0, 2, 93), 512],
  ])('in a tile %s names the tile and nothing else', async (_, path, leaf) => {
    await home.append(Array.from({ length: 600 }, (_, at) => filler(at)))
    await edit(path, (bytes) => {
      bytes[40] = (bytes[40] ?? 0) ^ 1
      return bytes
    })
    expect(await found()).toEqual([`changed ${leaf} ${path}`])
  })
})

describe('in the lake', () => {
  it('an event edited in Parquet with the file written anew is found', async () => {
    const engine = await Engine.open({})
    try {
      const path = 'event_date=2026-03-01/real-0.parquet'
      const scratch = home.at('scratch.parquet')
      const write = async (action: string) => {
        await engine.run(
          `COPY (SELECT 'e' || i AS event_id, ${lit(action)} AS action FROM range(100) t(i)) TO ${lit(scratch)} (FORMAT parquet)`,
        )
        return readFile(scratch)
      }
      await home.commit({ adds: [{ path, bytes: await write('getTable'), rows: 100 }] })
      expect(await found()).toEqual([])
      await home.put(`lake/events/${path}`, await write('getTablf'))
      expect(await found()).toEqual([`changed 5 lake/events/${path}`])
    } finally {
      await engine.close()
    }
  })

  it('a data file removed is missing', async () => {
    await rm(home.at('lake/events/event_date=2026-03-01/b1-0.parquet'))
    expect(await found()).toEqual(['missing 2 lake/events/event_date=2026-03-01/b1-0.parquet'])
  })

  it('a batch taken out of the Delta log, in the middle or at the end, is missing', async () => {
    await rm(home.at(commitFile(1)))
    expect(await found()).toEqual([`missing 2 ${commitFile(1)}`])
    await home.put(commitFile(1), '')
    await rm(home.at(commitFile(2)))
    expect(await found()).toEqual([`changed 2 ${commitFile(1)}`, `missing 4 ${commitFile(2)}`])
  })

  it('a commit that no leaf explains is a gap, and so is a table', async () => {
    await home.put(commitFile(3), '{"commitInfo":{}}\n')
    await home.put('lake/more/_delta_log/00000000000000000000.json', '{"commitInfo":{}}\n')
    expect(await found()).toEqual([`gap 5 ${commitFile(3)}`, 'gap 5 lake/more/_delta_log/00000000000000000000.json'])
  })

  it('a checkpoint put beside the commits, which readers would go by, is unverifiable', async () => {
    const planted = 'lake/events/_delta_log/00000000000000000002.checkpoint.parquet'
    await home.put(planted, 'PAR1 forged PAR1')
    expect(await found()).toEqual([`unverifiable 5 ${planted}`])
  })

  it('a data file that no commit names is no finding, for no reader sees it', async () => {
    await home.put('lake/events/event_date=2026-03-01/planted-0.parquet', 'PAR1')
    const report = await verifyHome(home.root, { key: home.key.vkey })
    expect(report.ok).toBe(true)
    expect(report.notChecked).toContainEqual(expect.stringMatching(/planted-0\.parquet/))
  })

  it('a commit behind a link is found like any other, be the link the table, its log or the lake', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'bricktrail-elsewhere-'))
    try {
      await home.put(commitFile(3), '{"commitInfo":{}}\n')
      for (const path of ['lake/events/_delta_log', 'lake/events', 'lake']) {
        await cp(home.at(path), join(elsewhere, 'moved'), { recursive: true })
        await rm(home.at(path), { recursive: true })
        await symlink(join(elsewhere, 'moved'), home.at(path))
        expect(await found()).toEqual([`gap 5 ${commitFile(3)}`])
        await rm(home.at(path))
        await rename(join(elsewhere, 'moved'), home.at(path))
      }
      await symlink(home.at('lake'), home.at('lake/events/circle'))
      await symlink(join(elsewhere, 'nothing'), home.at('lake/nothing'))
      expect(await found()).toEqual([`gap 5 ${commitFile(3)}`])
    } finally {
      await rm(elsewhere, { recursive: true })
    }
  })

  it('a table that leaves tell of and that is not there is missing, with its files', async () => {
    await rm(home.at('lake/rejects'), { recursive: true })
    expect(await found()).toContain('missing 3 lake/rejects')
  })

  it('commits that no leaf explains are found when only a period is asked for', async () => {
    await home.put(commitFile(3), '{"commitInfo":{}}\n')
    await home.put('lake/more/_delta_log/00000000000000000000.json', '{"commitInfo":{}}\n')
    const expected = [`gap 5 ${commitFile(3)}`, 'gap 5 lake/more/_delta_log/00000000000000000000.json']
    for (const period of [{ from: 2 }, { to: 2 }, { from: 4, to: 5 }]) expect(await found({ period })).toEqual(expected)
    const { notChecked } = await verifyHome(home.root, { period: { from: 2 } })
    expect(notChecked).toContainEqual(expect.stringMatching(/^Files that no leaf names, other than commits/))
  })

  it('leftovers are named one by one, wherever they lie, and old data files once more', async () => {
    const old = 'event_date=2026-03-01/planted-0.parquet'
    for (const path of [old, 'event_date=2026-03-01/.tmp-x.parquet', '_staging/x.parquet'])
      await home.put(`lake/events/${path}`, 'PAR1')
    await utimes(home.at(`lake/events/${old}`), 0, 0)
    const { ok, notChecked } = await verifyHome(home.root, { key: home.key.vkey })
    expect(ok).toBe(true)
    expect(notChecked.filter((line) => line.includes('part of no version'))).toEqual([
      expect.stringMatching(
        /^3 files in lake\/events\/.*: _staging\/x\.parquet, event_date=2026-03-01\/\.tmp-x\.parquet, .*planted-0/,
      ),
      expect.stringMatching(
        /^1 of the files in lake\/events\/.*older than the newest leaf: event_date=2026-03-01\/planted-0\.parquet/,
      ),
    ])
  })

  it('merged files may go after a leaf has said so; without one it is stated', async () => {
    const removes = ['event_date=2026-03-01/b0-0.parquet', 'event_date=2026-03-01/b1-0.parquet']
    const merged = { path: 'event_date=2026-03-01/m-0.parquet', bytes: Buffer.from('m'), rows: 2 }
    await home.commit({ operation: 'OPTIMIZE', removes, adds: [merged] })
    const statements = async () => (await verifyHome(home.root, { key: home.key.vkey })).statements
    expect(await statements()).toEqual([])
    for (const path of removes) await rm(home.at(`lake/events/${path}`))
    expect(await statements()).toEqual([expect.stringMatching(/^2 files of table events .* gone, and no leaf says/)])
    await home.clean('events', 'vacuum', removes)
    expect(await statements()).toEqual([])
  })

  it('a file replaced by a folder, a link that leads nowhere or another length is found without being read to its end', async () => {
    const path = 'lake/events/event_date=2026-03-01/b0-0.parquet'
    await rm(home.at(path))
    await home.put(`${path}/inner`, 'x')
    expect(await found()).toContain(`unverifiable 1 ${path}`)
  })
})

describe('in the raw archive', () => {
  it('an object removed, replaced or exchanged with another is found', async () => {
    const raw = keysUnder(home.at('raw')).map((key) => `raw/${key}`)
    const [first = '', second = '', third = ''] = raw
    await rm(home.at(first))
    expect(await found()).toEqual([expect.stringMatching(`^missing \\d ${first}$`)])
    await rename(home.at(second), home.at(first))
    expect((await found()).map((finding) => finding.split(' ')[2])).toEqual(expect.arrayContaining([first, second]))
    await writeFile(home.at(third), 'something else')
    expect((await found()).map((finding) => finding.split(' ')[2])).toContain(third)
  })

  it('an object may be gone that a leaf says was deleted, but not before that leaf or after it was stored again', async () => {
    const received = Buffer.from('{"a":1}\n{"b":2}\n')
    const path = `raw/${hexOf(received).slice(0, 2)}/${hexOf(received)}.zst`
    await rm(home.at(path))
    expect(await found()).toEqual([`missing 1 ${path}`])
    await home.clean('raw', 'raw-retention', [path])
    expect(await found()).toEqual([])
    await home.commit({ received })
    await rm(home.at(path))
    expect(await found()).toEqual([`missing 6 ${path}`])
  })

  it('an object that was sealed under another digest than its own is found', async () => {
    const received = Buffer.from('what came')
    await home.commit({ received, encoding: 'none', more: {} })
    const claimed = home.entries.at(-1) ?? ''
    expect(claimed).toContain('"objects"')
    await edit(`raw/${hexOf(received).slice(0, 2)}/${hexOf(received)}`, () => 'what camf')
    expect(await found()).toEqual([expect.stringMatching(/^changed 5 raw/)])
  })
})

describe('in the log', () => {
  const cutTo = async (size: number): Promise<void> => {
    for (let larger = size + 1; larger <= home.entries.length; larger++) {
      await rm(home.at(tileName('entries', 0, larger)))
      await rm(home.at(tileName(0, 0, larger)))
    }
  }

  it('a tail cut off is missing while the checkpoint stands', async () => {
    await cutTo(3)
    expect(await found()).toEqual(
      expect.arrayContaining([`missing 0 ${tileName('entries', 0, 5)}`, `missing 0 ${tileName(0, 0, 5)}`]),
    )
  })

  it('a tail cut off under an older checkpoint is seen by the later ones, the guard and the lake', async () => {
    await cutTo(3)
    await cp(home.at(noteFile(3)), home.at('seal/log/checkpoint'))
    const all = await found()
    expect(all).toEqual(
      expect.arrayContaining([
        `missing 3 ${noteFile(4)}`,
        `missing 3 ${noteFile(5)}`,
        'missing 3 seal/keys/head.json',
        `gap 3 ${commitFile(2)}`,
        'gap 3 lake/rejects/_delta_log/00000000000000000000.json',
      ]),
    )
  })

  it('a leaf that tells other files than its commit adds is found, for readers go by the commit', async () => {
    const file = (name: string) => ({
      path: `event_date=2026-03-01/${name}.parquet`,
      bytes: Buffer.from(`PAR1 ${name}`),
    })
    const [told, other] = [file('told'), file('other')]
    const larger = { ...told, bytes: Buffer.from('PAR1 told, and more') }
    for (const logged of [[], [other], [told, other], [larger]]) {
      const made = await SealedHome.make(home.origin)
      try {
        await made.commit({ adds: [told], logged })
        expect(await foundIn(made)).toEqual([`changed 1 ${commitFile(0)}`])
      } finally {
        await made.dispose()
      }
    }
  })

  it('a whole home put back to last week is seen against a checkpoint kept elsewhere, or a cosignature on one', async () => {
    const backup = await mkdtemp(join(tmpdir(), 'bricktrail-backup-'))
    try {
      await cp(home.root, backup, { recursive: true })
      await home.commit()
      const witness = testKey('witness.example/w1', 4)
      const text = home.textOf(6)
      const cosigned = Buffer.from(home.noteOf(6) + witness.line(text, home.nowMs / 1000))
      const kept = await home.read(noteFile(6))
      await rm(home.root, { recursive: true })
      await rename(backup, home.root)
      const unseen = await verifyHome(home.root, { key: home.key.vkey })
      expect(unseen.ok).toBe(true)
      expect(unseen.notChecked).toContainEqual(expect.stringMatching(/rolled back/))
      expect(await found({ checkpoints: [{ name: 'mine', bytes: kept }] })).toEqual(['missing 5 mine'])
      const witnessed = { checkpoints: [{ name: 'of w1', bytes: cosigned }], witnesses: [witness.vkey] }
      expect(await found(witnessed)).toContain('missing 5 of w1')
    } finally {
      await rm(backup, { recursive: true, force: true })
    }
  })

  it('two heads of one size, or a history written anew, are a fork', async () => {
    const kept = await home.read(noteFile(5))
    const before = await home.read(noteFile(3))
    const forged = await SealedHome.make(home.origin)
    try {
      forged.key = home.key
      await rm(forged.root, { recursive: true })
      forged.entries.length = 0
      await forged.leaf({ kind: 'open', origin: home.origin, vkey: home.key.vkey, home: 'a home for tests' })
      for (let at = 0; at < 6; at++) await forged.append([filler(at)])
      await forged.put('seal/keys/log.vkey', `${home.key.vkey}\n`)
      const options = { key: home.key.vkey, checkpoints: [{ name: 'mine', bytes: kept }] }
      const { findings } = await verifyHome(forged.root, options)
      expect(findings.map(({ kind, where }) => `${kind} ${where}`)).toContain('forked mine')
      await forged.put(noteFile(3), before)
      const again = await verifyHome(forged.root, { key: home.key.vkey })
      expect(again.findings).toMatchObject([{ kind: 'forked', where: noteFile(3), leaf: 2 }])
    } finally {
      await forged.dispose()
    }
  })

  it('a log written anew with another key is not the log of the key given', async () => {
    const trusted = home.key.vkey
    const forged = await SealedHome.make(home.origin)
    try {
      await forged.commit()
      expect((await verifyHome(forged.root)).ok).toBe(true)
      const { findings } = await verifyHome(forged.root, { key: trusted })
      expect(findings[0]).toMatchObject({ kind: 'unverifiable', where: 'seal/log/checkpoint' })
      expect(findings[0]?.what).toMatch(/not the key given/)
    } finally {
      await forged.dispose()
    }
  })

  it('a key that took over without a signature of the one before is not trusted', async () => {
    const first = home.key.vkey
    const thief = testKey(home.origin)
    await home.leaf({ kind: 'key', vkey: thief.vkey, previous: first }, undefined, [thief])
    home.key = thief
    expect((await found({ key: first }))[0]).toBe('unverifiable - seal/log/checkpoint')
  })

  it('two tiles exchanged, and two bundles, are found', async () => {
    await home.append(Array.from({ length: 600 }, (_, at) => filler(at)))
    const swap = async (a: string, b: string) => {
      await rename(home.at(a), home.at('aside'))
      await rename(home.at(b), home.at(a))
      await rename(home.at('aside'), home.at(b))
    }
    const [first, second] = [tileName(0, 0, 256), tileName(0, 1, 256)]
    await swap(first, second)
    expect(await found()).toEqual([`changed 0 ${first}`, `changed 256 ${second}`])
    await swap(first, second)
    await swap(tileName('entries', 0, 256), tileName('entries', 1, 256))
    const all = await found()
    expect(all[0]).toBe(`changed 0 ${tileName('entries', 0, 256)}`)
    expect(all).toContain(`changed 256 ${tileName('entries', 1, 256)}`)
  })

  it('entries, tiles and notes changed all together, by one without the key, do not give the signed root', async () => {
    const saved = await Promise.all([1, 2, 3, 4, 5].map((size) => home.read(noteFile(size))))
    home.entries[3] = (home.entries[3] ?? '').replace('"version":0', '"version":7')
    const last = home.entries.pop() ?? ''
    await home.append([last])
    for (const [at, bytes] of saved.entries()) await home.put(noteFile(at + 1), bytes)
    await home.put('seal/log/checkpoint', saved[4] ?? '')
    const { findings } = await verifyHome(home.root, { key: home.key.vkey })
    const root = findings.find(({ where }) => where === 'seal/log/checkpoint')
    expect(root).toMatchObject({ kind: 'changed', leaf: 3 })
    expect(root?.what).toMatch(/between leaf 3 and leaf \d/)
  })

  it('versions in another order, left out or told twice show even to one who signs them', async () => {
    const commit = (version: number, sealed: number) =>
      home.leaf(
        { kind: 'commit', table: 'late', version, operation: 'WRITE', sealed: { ...home.sealed(), late: sealed } },
        { log: [] },
      )
    await commit(1, 1)
    await commit(0, 0)
    const all = await found()
    expect(all).toContain(`gap 5 ${tileName('entries', 0, 7)}`)
    expect(all).toContain(`reordered 6 ${tileName('entries', 0, 7)}`)
  })

  it('a clock set back is told, by the entry that says so or by one that does not', async () => {
    home.nowMs -= 3_600_000
    await home.leaf({ kind: 'config', settings: {}, clockBackMs: 3_540_000 })
    home.nowMs -= 3_600_000
    await home.leaf({ kind: 'config', settings: {} })
    expect(await found()).toEqual([5, 6].map((leaf) => `reordered ${leaf} ${tileName('entries', 0, 7)}`))
  })

  it('manifests exchanged, edited or removed are found', async () => {
    const manifests = keysUnder(home.at('seal/manifests')).map((key) => `seal/manifests/${key}`)
    const [first = '', second = ''] = manifests
    await rename(home.at(first), home.at('aside'))
    await rename(home.at(second), home.at(first))
    await rename(home.at('aside'), home.at(second))
    const all = await found()
    for (const path of [first, second]) expect(all).toContainEqual(expect.stringMatching(`^changed \\d ${path}$`))
    await rm(home.at(first))
    expect(await found()).toContainEqual(expect.stringMatching(`^missing \\d ${first}$`))
  })

  it('a manifest that the leaf does not tell of in the same way is unverifiable', async () => {
    await home.leaf({ kind: 'clean', table: 'events', reason: 'vacuum', sealed: home.sealed() }, { deleted: [] })
    const entry = home.entries.pop() ?? ''
    await home.append([entry.replace('"deleted":{"count":0', '"deleted":{"count":1')])
    expect(await found()).toEqual([expect.stringMatching(/^unverifiable 5 seal\/manifests\//)])
  })

  it('a manifest that names files outside its folder is refused, and nothing outside is read', async () => {
    await home.clean('events', 'vacuum', ['../../../etc/passwd'])
    expect(await found()).toEqual([expect.stringMatching(/^unverifiable 5 seal\/manifests\//)])
  })

  it('records that are not accounted for, and rows that went missing in a merge, are found', async () => {
    await home.commit({
      received: Buffer.from('x\n'),
      more: { counts: { records: 9, events: 1, duplicates: 1, rejects: 1 } },
    })
    const adds = [{ path: 'event_date=2026-03-01/m-0.parquet', bytes: Buffer.from('m'), rows: 1 }]
    const removes = ['event_date=2026-03-01/b0-0.parquet', 'event_date=2026-03-01/b1-0.parquet']
    await home.commit({ operation: 'OPTIMIZE', removes, adds })
    const { findings } = await verifyHome(home.root, { key: home.key.vkey })
    expect(findings.map(({ what }) => what)).toEqual([
      'Leaf 5, the batch: 9 records, but 1 events, 1 duplicates and 1 rejects.',
      'Leaf 5: 3 records of its objects, where 9 are told.',
      'Leaf 6: 1 rows after merging files, where 2 are told.',
    ])
  })
})

describe('a signed note', () => {
  const damaged: readonly [string, (note: string) => string][] = [
    ['a newline injected', (text) => text.replace('\n5\n', '\n\n5\n')],
    ['a line injected before the signature', (text) => text.replace('\n\n', '\n\nfree text\n')],
    ['a carriage return', (text) => text.replaceAll('\n', '\r\n')],
    ['a letter that looks the same', (text) => text.replace('bricktrail', 'brіcktrail')],
    ['a mark that does not show', (text) => text.replace('test-home', 'test\u200b-home')],
    ['a leading zero', (text) => text.replace('\n5\n', '\n05\n')],
    ['another size', (text) => text.replace('\n5\n', '\n4\n')],
    ['an added extension line', (text) => text.replace('=\n\n', '=\nextension\n\n')],
    ['no signature', (text) => text.slice(0, text.indexOf('\u2014'))],
    ['nothing in it', () => ''],
  ]
  it.each(damaged)('with %s is found, kept or newest', async (_, damage) => {
    for (const path of ['seal/log/checkpoint', noteFile(5)]) {
      const saved = await home.read(path)
      await writeFile(home.at(path), damage(saved.toString()))
      expect((await found()).map((finding) => finding.split(' ')[2])).toContain(path)
      await writeFile(home.at(path), saved)
    }
  })

  it('of another log, given as an earlier one of this, is not taken for it', async () => {
    const other = await SealedHome.make('someone/else')
    try {
      const bytes = await other.read(noteFile(1))
      expect(await found({ checkpoints: [{ name: 'other', bytes }] })).toEqual(['unverifiable 0 other'])
      const ownName = Buffer.from(other.noteOf(1).replaceAll('someone/else', home.origin))
      expect((await found({ checkpoints: [{ name: 'other', bytes: ownName }] }))[0]).toMatch(
        /^(unverifiable|changed) 0 other$/,
      )
    } finally {
      await other.dispose()
    }
  })
})

it('a home without its seal, or with the log gone, is missing its proof', async () => {
  await rm(home.at('seal/log'), { recursive: true })
  expect(await found()).toContain('missing - seal/log/checkpoint')
  await rm(home.at('seal'), { recursive: true })
  expect(await found()).toEqual(['missing - seal/log/checkpoint'])
  expect(await readdir(home.at('lake'))).not.toEqual([])
})

function filler(at: number): string {
  return `{"generator":"test 1","kind":"config","settings":{"n":${at}},"time":"2026-03-02T00:00:00.000Z","v":1}`
}
