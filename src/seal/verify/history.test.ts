import { rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type VerifyHomeOptions, verifyHome } from './home.ts'
import { commitFile, foundIn, hexOf, homeOfFour, noteFile, type SealedHome, testKey } from './sealed-home.fixture.ts'

let home: SealedHome
beforeEach(async () => {
  home = await homeOfFour()
})
afterEach(() => home.dispose())

const found = (options: VerifyHomeOptions = {}): Promise<string[]> => foundIn(home, options)

describe('a commit of somebody else that was sealed', () => {
  const said = async () => (await verifyHome(home.root, { key: home.key.vkey })).findings.map(({ what }) => what)
  const old = 'event_date=2026-03-01/b0-0.parquet'
  const other = { path: 'event_date=2026-03-01/other-0.parquet', bytes: Buffer.from('PAR1 other PAR1'), rows: 1 }

  it('is a gap where it adds events without a batch, removes files, or has another operation', async () => {
    await home.commit({ more: { batch: undefined, counts: undefined } })
    await home.commit({ removes: [old], adds: [other] })
    await home.commit({ operation: 'UPDATE', table: 'rejects' })
    expect(await said()).toEqual([
      'Leaf 5: version 3 of table events (WRITE) adds rows that no ingestion explains.',
      'Leaf 6: version 4 of table events (WRITE) removes files, and merges none.',
      'Leaf 7: version 1 of table rejects (UPDATE) adds rows that no ingestion explains.',
    ])
  })

  it('is found where a merge removes what was not there, counts it twice, or writes over what was', async () => {
    await home.commit({ operation: 'OPTIMIZE', removes: ['event_date=2026-03-01/none.parquet'], adds: [other] })
    expect(await said()).toEqual([
      'Leaf 5 removes the file event_date=2026-03-01/none.parquet of table events, which was not in use.',
    ])
    const twice = { path: 'event_date=2026-03-01/twice-0.parquet', bytes: Buffer.from('twice'), rows: 2 }
    await home.commit({ operation: 'OPTIMIZE', removes: [old, old], adds: [twice] })
    expect(await said()).toContain('Leaf 6: 2 rows after merging files, where 1 are told.')
    await home.commit({ operation: 'OPTIMIZE', removes: [other.path], adds: [{ ...twice, rows: 1 }] })
    expect(await said()).toContain(`Leaf 7 adds the file ${twice.path} of table events, which was there.`)
  })
})

describe('notices and statements', () => {
  it('that matter are not pushed out by others that somebody causes', async () => {
    for (let n = 0; n < 250; n++) await home.put(`seal/log/tile/stranger-${n}`, 'x')
    for (let n = 0; n < 30; n++) await home.put(`lake/more/stranger-${n}`, 'x')
    await home.append(Array.from({ length: 250 }, (_, at) => filler(at)))
    home.nowMs += 2 * 86_400_000
    await home.restore('rejects', -1, 'no reason')
    await rm(home.at('lake/rejects'), { recursive: true })
    const { findings, notChecked, statements } = await verifyHome(home.root)
    expect(findings).toEqual([])
    expect(notChecked).toContainEqual(expect.stringMatching(/^The key was taken from the home itself/))
    expect(notChecked).toContain('30 files in lake/ are of no table, such as lake/more/stranger-0.')
    expect(notChecked).toContain('And 50 more such things.')
    expect(statements).toContainEqual(expect.stringMatching(/put table rejects back to version -1/))
    expect(statements).toContain('And 50 more changes of settings.')
  })
})

describe('witnesses', () => {
  const [one, two] = [testKey('witness.example/1', 4), testKey('witness.example/2', 4)]
  const cosign = async (size: number, lines: readonly string[]) => {
    await home.put(noteFile(size), home.noteOf(size) + lines.join(''))
  }
  const seconds = (): number => Math.floor(home.nowMs / 1000)

  it('that signed a head are counted, and what came after is said to be unseen', async () => {
    await cosign(4, [one.line(home.textOf(4), seconds()), two.line(home.textOf(4), seconds())])
    const report = await verifyHome(home.root, { key: home.key.vkey, witnesses: [one.vkey, two.vkey] })
    expect(report).toMatchObject({ ok: true, checked: { cosignatures: 2 } })
    expect(report.statements).toContainEqual(expect.stringMatching(/^2 witnesses have seen the first 4 of 5 leaves/))
    expect(report.notChecked).toContainEqual(expect.stringMatching(/last 1 leaves have no cosignatures/))
  })

  it('that have seen nothing of the last days are a finding, for what they saw may be another history', async () => {
    await cosign(4, [one.line(home.textOf(4), seconds())])
    await home.commit()
    home.nowMs += 2 * 86_400_000
    await home.commit()
    const witnesses = [one.vkey]
    expect(await found({ witnesses })).toEqual([`unverifiable 4 ${noteFile(7)}`])
    expect(await found({ witnesses, maxUnseenMs: 3 * 86_400_000 })).toEqual([])
    await cosign(6, [one.line(home.textOf(6), seconds())])
    expect(await found({ witnesses })).toEqual([])
  })

  it('that are too few, forged or of another head do not count', async () => {
    await cosign(5, [one.line(home.textOf(5), seconds())])
    const witnesses = [one.vkey, two.vkey]
    expect(await found({ witnesses })).toEqual([`unverifiable - ${noteFile(5)}`])
    expect(await found({ witnesses, quorum: 1 })).toEqual([])
    await cosign(5, [one.line(home.textOf(4), seconds())])
    expect(await found({ witnesses, quorum: 1 })).toContain(`changed 4 ${noteFile(5)}`)
  })

  it('that saw a head before its newest leaf says it was made tell of a wrong clock', async () => {
    await cosign(5, [one.line(home.textOf(5), seconds() - 3600)])
    expect(await found({ witnesses: [one.vkey] })).toEqual([`reordered 4 ${noteFile(5)}`])
  })
})

describe('a restore', () => {
  it('done on purpose is stated, not found; what it undid may be there or not', async () => {
    await rm(home.at(commitFile(2)))
    await rm(home.at('lake/events/event_date=2026-03-01/b2-0.parquet'))
    expect(await found()).toHaveLength(2)
    await home.restore('events', 1, 'the disk failed, backup of Monday')
    await home.commit({ adds: [{ path: 'event_date=2026-03-01/again-0.parquet', bytes: Buffer.from('again') }] })
    const report = await verifyHome(home.root, { key: home.key.vkey })
    expect(report.findings).toEqual([])
    expect(report.statements).toEqual([expect.stringMatching(/put table events back to version 1.*backup of Monday/)])
  })

  it('of the lake alone, or of everything, needs neither records of batches nor received bytes that it undid', async () => {
    const [record, received] = ['manifests/000000002.json', Buffer.from('{"a":4}\n')]
    const raw = `raw/${hexOf(received).slice(0, 2)}/${hexOf(received)}.zst`
    await rm(home.at(commitFile(2)))
    await home.restore('events', 1, 'a backup')
    expect(await found()).toEqual([])
    await writeFile(home.at(raw), 'edited')
    await home.put(record, 'of a batch that is being written')
    expect(await found()).toEqual([`changed 4 ${raw}`])
    await rm(home.at(record))
    await rm(home.at(raw))
    expect(await found()).toEqual([])
    await home.commit({ received })
    expect(await found()).toEqual([])
    await rm(home.at(record))
    await rm(home.at(raw))
    expect(await found()).toEqual([`missing 6 ${record}`, `missing 6 ${raw}`])
  })

  it('does not excuse received bytes that a leaf before it names too', async () => {
    const raw = `raw/${hexOf('{"a":3}\n').slice(0, 2)}/${hexOf('{"a":3}\n')}`
    await home.commit({ received: Buffer.from('{"a":3}\n'), encoding: 'none' })
    await rm(home.at(commitFile(3)))
    await home.restore('events', 2, 'a backup')
    expect(await found()).toEqual([])
    await rm(home.at(raw))
    expect(await found()).toEqual([`missing 2 ${raw}`])
  })

  it('does not excuse what is left of an undone commit, which readers would go by', async () => {
    await home.restore('events', 1, 'no reason')
    expect(await found()).toEqual([`gap 6 ${commitFile(2)}`])
  })
})

function filler(at: number): string {
  return `{"generator":"test 1","kind":"config","settings":{"n":${at}},"time":"2026-03-02T00:00:00.000Z","v":1}`
}
