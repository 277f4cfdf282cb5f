import { cpSync, rmSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { verifyHome } from './home.ts'
import { keysUnder } from './log-files.ts'
import { verifyProof } from './proof.ts'
import { SealedHome } from './sealed-home.fixture.ts'

const homes: SealedHome[] = []
afterEach(async () => {
  for (const home of homes.splice(0)) await home.dispose()
})

async function made(): Promise<SealedHome> {
  const home = await SealedHome.make()
  homes.push(home)
  return home
}

/** A home in which everything has happened that a leaf can tell. */
async function eventful(): Promise<SealedHome> {
  const home = await made()
  await home.commit({ received: Buffer.from('{"a":1}\n{"b":2}\n') })
  await home.commit({ received: Buffer.from('{"a":3}\n'), encoding: 'none', checkpoint: true })
  await home.commit({ table: 'rejects' })
  const old = ['event_date=2026-03-01/b0-0.parquet', 'event_date=2026-03-01/b1-0.parquet']
  const merged = { path: 'event_date=2026-03-01/c-0.parquet', bytes: Buffer.from('PAR1 merged PAR1'), rows: 2 }
  await home.commit({ operation: 'OPTIMIZE', removes: old, adds: [merged] })
  await home.clean('events', 'vacuum', old)
  await rm(home.at(`lake/events/${old[0]}`))
  await home.rotate()
  await home.leaf({ kind: 'config', settings: { raw: 'keep' } })
  return home
}

describe('a home that is as it was sealed', () => {
  it('has no findings, and the report says how much was checked', async () => {
    const home = await eventful()
    const report = await verifyHome(home.root, { key: home.key.vkey })
    expect(report.findings).toEqual([])
    expect(report).toMatchObject({
      ok: true,
      checked: { leaves: 8, manifests: 5, versions: 4, events: 2, rawObjects: 2, checkpoints: 8 },
      log: { origin: home.origin, size: 8, newest: '2026-03-01T08:08:00.000Z' },
      statements: [expect.stringMatching(/^Leaf 6: the key .* took over/), expect.stringMatching(/settings changed/)],
    })
    // Seven log files, two data files in use, one that may still be there, two records of batches.
    expect(report.checked.files).toBe(6 + 2 + 1 + 2)
  })

  it('is as good with more leaves than one tile holds, and at every size kept', async () => {
    const home = await made()
    for (const size of [100, 255, 256, 257, 512, 700]) {
      const entries = Array.from({ length: size - home.entries.length }, (_, at) =>
        configEntry(home, home.entries.length + at),
      )
      await home.append(entries)
    }
    const report = await verifyHome(home.root, { key: home.key.vkey })
    expect(report.findings).toEqual([])
    expect(report.checked).toMatchObject({ leaves: 700, checkpoints: 7 })
  })

  it('is verified by the key of the first day, through the notes in which each key hands over', async () => {
    const home = await made()
    const first = home.key.vkey
    await home.rotate()
    await home.rotate()
    await home.commit()
    expect((await verifyHome(home.root, { key: first })).findings).toEqual([])
  })

  it('says what it could not check, and why', async () => {
    const home = await eventful()
    const { notChecked } = await verifyHome(home.root)
    expect(notChecked).toEqual([
      expect.stringMatching(/rows in data files/),
      expect.stringMatching(/key was taken from the home itself/),
      expect.stringMatching(/rolled back/),
      expect.stringMatching(/ledger\.db.*cache.*tmp/),
    ])
    const checkpoints = [{ name: 'day one', bytes: await home.read('seal/checkpoints/00000000000000000002') }]
    const more = await verifyHome(home.root, { key: home.key.vkey, checkpoints })
    expect(more.notChecked).toHaveLength(2)
  })

  it('may hold what a crash leaves: an unfinished append, files never committed, staged files', async () => {
    const home = await eventful()
    const saved = await home.read('seal/log/checkpoint')
    await home.append([configEntry(home, 1)])
    await home.put('seal/log/checkpoint', saved)
    await home.pending(8)
    await home.put('lake/events/event_date=2026-03-01/orphan-0.parquet', 'PAR1')
    await home.put('lake/events/_staging/x.parquet', 'PAR1')
    await home.put('lake/events/_delta_log/.tmp-4eac9ff6', '{"commitInfo":')
    await home.put('raw/ab/unnamed', 'bytes')
    await home.put('manifests/000000099.json', '{}')
    await home.put('manifests/undone/000000001.json', '{}')
    await home.put(`seal/manifests/ab/${'ab'.repeat(32)}.json`, '{}')
    await home.put('seal/timestamps/readme.txt', 'hello')
    const report = await verifyHome(home.root, { key: home.key.vkey })
    expect(report.findings).toEqual([])
    expect(report.notChecked).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/append to the log was cut short/),
        expect.stringMatching(/_delta_log\/\.tmp-4eac9ff6.*orphan-0\.parquet/),
        expect.stringMatching(/raw\/ are named by no leaf/),
        '1 files in manifests/ are named by no leaf, such as manifests/000000099.json.',
        `1 files in seal/manifests/ are named by no leaf, such as seal/manifests/ab/${'ab'.repeat(32)}.json.`,
        '1 files in seal/timestamps/ are no timestamps, such as seal/timestamps/readme.txt.',
      ]),
    )
  })
})

describe('a link in a circle', () => {
  it.each([
    'lake/events/_delta_log/x',
    'lake/events/loop',
    'lake/events/event_date=2026-03-01/loop.parquet',
    'seal/timestamps',
    'manifests/loop',
    'raw/loop',
  ])('at %s ends no verification', async (path) => {
    const home = await eventful()
    await mkdir(dirname(home.at(path)), { recursive: true })
    await symlink(home.at(path), home.at(path))
    const { findings } = await verifyHome(home.root, { key: home.key.vkey })
    expect(findings.map(({ where }) => where)).toEqual(path.includes('_delta_log') ? [path] : [])
  })
})

it('links that lead to one another a thousand ways are followed twice', async () => {
  const home = await eventful()
  for (let at = 0; at < 20; at++) {
    const folder = home.at(`lake/events/z/d${at}`)
    await mkdir(folder, { recursive: true })
    for (const name of ['x', 'y']) await symlink(`../d${at + 1}`, join(folder, name))
  }
  await mkdir(home.at('lake/events/z/d20'))
  const { findings, notChecked } = await verifyHome(home.root, { key: home.key.vkey })
  expect(findings).toEqual([])
  expect(notChecked).toContainEqual(expect.stringMatching(/^\d{2,3} files in lake\/events\//))
})

it('what stands in the place of a file is not missing, however long it is', async () => {
  const home = await eventful()
  const [manifest = ''] = keysUnder(home.at('seal/manifests'))
  const places = [`seal/manifests/${manifest}`, 'seal/log/checkpoint']
  for (const place of places) {
    const saved = await home.read(place)
    await truncate(home.at(place), 2 ** 40)
    const long = await verifyHome(home.root, { key: home.key.vkey })
    await rm(home.at(place))
    await mkdir(home.at(place))
    const folder = await verifyHome(home.root, { key: home.key.vkey })
    for (const { findings } of [long, folder]) expect(findings[0]).toMatchObject({ kind: 'changed', where: place })
    await rm(home.at(place), { recursive: true })
    expect((await verifyHome(home.root)).findings[0]).toMatchObject({ kind: 'missing', where: place })
    await home.put(place, saved)
  }
})

it('a head that nobody has signed accuses no key of two histories', async () => {
  const home = await eventful()
  const guard = `{"root":"${'ab'.repeat(32)}","size":"${home.entries.length}"}`
  await home.put('seal/keys/head.json', guard)
  const { findings } = await verifyHome(home.root, { key: home.key.vkey })
  expect(findings).toMatchObject([{ kind: 'changed', where: 'seal/keys/head.json' }])
})

it('files nested without an end are refused as what they are', async () => {
  const home = await eventful()
  const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
  await home.put('seal/pending.json', deep)
  await home.put('event.tlog-proof', proofOf(deep))
  const { findings, notChecked } = await verifyHome(home.root, { key: home.key.vkey })
  expect(findings).toEqual([expect.objectContaining({ where: 'seal/pending.json' })])
  expect(notChecked).toContainEqual(expect.stringContaining('event.tlog-proof'))
  expect(verifyProof(proofOf(deep), { keys: home.key.vkey }).findings).toHaveLength(1)
})

const proofOf = (extra: string): string =>
  `c2sp.org/tlog-proof@v1\nextra ${Buffer.from(extra).toString('base64')}\nindex 0\n\nnothing`

describe('a period', () => {
  it('is a range of sizes or times; what is outside is said not to have been looked at', async () => {
    const home = await eventful()
    await home.put('lake/rejects/_delta_log/00000000000000000000.json', '{}\n')
    await home.put('lake/events/event_date=2026-03-01/c-0.parquet', 'PAR1 edited PAR1')
    const kinds = async (from?: number | Date, to?: number | Date) => {
      const period = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
      const report = await verifyHome(home.root, { period })
      expect(report.notChecked).toContainEqual(expect.stringMatching(/outside the period/))
      return report.findings.map(({ leaf }) => leaf)
    }
    expect(await kinds(0, 3)).toEqual([])
    expect(await kinds(3, 4)).toEqual([3])
    expect(await kinds(4)).toEqual([4])
    expect(await kinds(1)).toEqual([3, 4])
    expect(await kinds(new Date('2026-03-01T08:04:30Z'))).toEqual([4])
    expect(await kinds(undefined, new Date('2026-03-01T08:04:30Z'))).toEqual([3])
  })
})

it('a home that is written to meanwhile is read again, and not accused of what was going on', async () => {
  const home = await eventful()
  const before = await mkdtemp(join(tmpdir(), 'bricktrail-before-'))
  const after = await mkdtemp(join(tmpdir(), 'bricktrail-after-'))
  try {
    await cp(home.root, before, { recursive: true })
    await home.clean('rejects', 'log-retention', ['_delta_log/00000000000000000000.json'])
    await rm(home.at('lake/rejects/_delta_log/00000000000000000000.json'))
    await home.commit({ table: 'rejects' })
    await cp(home.root, after, { recursive: true })
    let calls = 0
    const onProgress = (): void => {
      if (calls++ > 0) return
      rmSync(before, { recursive: true })
      cpSync(after, before, { recursive: true })
    }
    expect((await verifyHome(before, { onProgress })).findings).toEqual([])
    expect(calls).toBeGreaterThan(1)
  } finally {
    await rm(before, { recursive: true })
    await rm(after, { recursive: true })
  }
})

describe('a home in use', () => {
  const gapAt = (version: number) => `lake/rejects/_delta_log/${String(version).padStart(20, '0')}.json`
  const actions = '{"commitInfo":{"operation":"WRITE"}}\n'

  it('is waited for, where a commit has no leaf yet', async () => {
    const home = await eventful()
    const saved = await mkdtemp(join(tmpdir(), 'bricktrail-sealed-'))
    try {
      await cp(home.at('seal'), saved, { recursive: true })
      await home.commit({ table: 'rejects', adds: [] })
      await cp(home.at('seal'), `${saved}-new`, { recursive: true })
      await rm(home.at('seal'), { recursive: true })
      await cp(saved, home.at('seal'), { recursive: true })
      expect((await verifyHome(home.root, { patienceMs: 0 })).findings).toMatchObject([
        { kind: 'gap', where: gapAt(1) },
      ])
      const sealing = setTimeout(() => cpSync(`${saved}-new`, home.at('seal'), { recursive: true }), 300)
      expect((await verifyHome(home.root)).findings).toEqual([])
      clearTimeout(sealing)
    } finally {
      await rm(saved, { recursive: true })
      await rm(`${saved}-new`, { recursive: true, force: true })
    }
  })

  it('has no finding for what is always one commit ahead, and one for a commit that stays', async () => {
    const home = await eventful()
    const saved = await mkdtemp(join(tmpdir(), 'bricktrail-saved-'))
    const put = (folder: 'lake' | 'seal', state: number): void => {
      cpSync(join(saved, String(state), folder), home.at(folder), { recursive: true })
    }
    try {
      for (let state = 0; state < 4; state++) {
        await cp(home.root, join(saved, String(state)), { recursive: true })
        await home.commit({ table: 'rejects' })
      }
      const verified = async (planted?: string) => {
        for (const folder of ['lake', 'seal'] as const) await rm(home.at(folder), { recursive: true })
        put('lake', 1)
        put('seal', 0)
        if (planted !== undefined) await home.put(planted, actions)
        let tries = 0
        const onProgress = (_done: number, _total: number, what: string): void => {
          if (what !== 'leaves') return
          tries += 1
          put('seal', tries)
          if (tries < 3) put('lake', tries + 1)
        }
        const report = await verifyHome(home.root, { patienceMs: 0, onProgress })
        expect(tries).toBe(3)
        return report
      }
      const report = await verified()
      expect(report.findings).toEqual([])
      expect(report).toMatchObject({ ok: true, findingCount: 0 })
      expect(report.notChecked).toContainEqual(expect.stringMatching(/^2 things written while.*it is in use/))
      expect(await verified(gapAt(9))).toMatchObject({ ok: false, findings: [{ kind: 'gap', where: gapAt(9) }] })
    } finally {
      await rm(saved, { recursive: true })
    }
  })
})

describe('rows', () => {
  it('are digested anew by whoever can, and compared with the root that was sealed', async () => {
    const home = await eventful()
    const asked: string[] = []
    const rowsOf = (rowsRoot: string) => async (path: string, table: string, record: { rows: number }) => {
      asked.push(`${table} ${path.slice(home.root.length)}`)
      return { rows: record.rows, rowsRoot }
    }
    const sealed = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    expect((await verifyHome(home.root, { rowsOf: rowsOf(sealed) })).checked.rowRoots).toBe(2)
    expect(asked).toContain('events /lake/events/event_date=2026-03-01/c-0.parquet')
    const other = await verifyHome(home.root, { rowsOf: rowsOf(sealed.replace('e', 'f')) })
    expect(other.findings.map(({ kind, leaf }) => [kind, leaf])).toEqual([
      ['changed', 3],
      ['changed', 4],
    ])
  })
})

it('refuses a folder that is no home, and a key that is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-no-home-'))
  try {
    await expect(verifyHome(folder)).rejects.toMatchObject({ code: 'NO_LAKE' })
    await expect(verifyHome((await made()).root, { key: 'nonsense' })).rejects.toMatchObject({ code: 'BAD_KEY' })
  } finally {
    await rm(folder, { recursive: true })
  }
})

function configEntry(home: SealedHome, at: number): string {
  const time = new Date(home.nowMs + 1000 + at).toISOString()
  return `{"generator":"test 1","kind":"config","settings":{"n":${at}},"time":"${time}","v":1}`
}
