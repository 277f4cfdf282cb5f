/** Attacks on homes that the program itself has made and sealed. */
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { registerCompact } from '../../cli/commands/compact.ts'
import { registerProve } from '../../cli/commands/prove.ts'
import { registerSeal } from '../../cli/commands/seal.ts'
import { registerVerify } from '../../cli/commands/verify.ts'
import { runCommand } from '../../cli/recorded-cli.fixture.ts'
import { lit } from '../../engine/sql.ts'
import { deliveryLines, NOW, TakingBench } from '../../ingest/taking.fixture.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { verifyHome } from './home.ts'
import { keysUnder } from './log-files.ts'
import type { Report } from './report.ts'

/** What proves nothing by itself: state of the program, its secrets, and notes to itself. */
const NO_EVIDENCE =
  /^(ledger\.db.*|writer\.lock|(cache|tmp)\/.*|seal\/(lock|settings\.told|state\.json)|seal\/keys\/[0-9a-f]{8}\.key)$/

let bench: TakingBench
let key: string
let saved: string
const at = (path: string): string => join(bench.home.root, path)
const command = (register: Parameters<typeof runCommand>[0], ...argv: string[]) =>
  runCommand(register, argv, { home: bench.home.root, now: NOW })
const verified = (options: Parameters<typeof verifyHome>[1] = {}): Promise<Report> =>
  verifyHome(bench.home.root, { key, patienceMs: 0, ...options })
const found = async (options: Parameters<typeof verifyHome>[1] = {}): Promise<string[]> =>
  (await verified(options)).findings.map(({ kind, where }) => `${kind} ${where}`)

beforeAll(async () => {
  bench = await TakingBench.open()
  await bench.take(await bench.file('logs/a.json', deliveryLines(1, 200)))
  await bench.take(await bench.file('logs/b.json', `${deliveryLines(150, 300)}no JSON\n{"cut":`))
  for (let n = 0; n < 4; n++)
    await bench.take(await bench.file(`logs/c${n}.json`, deliveryLines(1000 + n * 50, 1040 + n * 50)))
  await command(registerCompact, 'compact', '--grace-days', '0')
  await command(registerSeal, 'seal', 'key', 'rotate')
  for (let n = 0; n < 4; n++)
    await bench.take(await bench.file(`logs/d${n}.json`, deliveryLines(5000 + n * 9, 5003 + n * 9)))
  key = (await readFile(at('seal/keys/log.vkey'), 'utf8')).trim()
  saved = join(bench.folder, 'saved')
  await cp(bench.home.root, saved, { recursive: true })
}, 120_000)
afterAll(() => bench.close())

beforeEach(async () => {
  await rm(bench.home.root, { recursive: true, force: true })
  await cp(saved, bench.home.root, { recursive: true })
})

const dataFile = (): string => {
  const path = keysUnder(at('lake/events')).find((name) => name.includes('compact-') && name.endsWith('.parquet'))
  return `lake/events/${path}`
}

describe('a home that the program made', () => {
  it('has no findings, row by row', async () => {
    const { out, exitCode } = await command(registerVerify, 'verify', '--rows', '--json', '--key', key)
    expect(exitCode).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      findings: [],
      checked: { events: 300 + 4 * 41 + 4 * 4, rawObjects: 10, rowRoots: expect.any(Number) },
    })
  })

  it('shows every flipped byte, in any file that is evidence', async () => {
    const files = keysUnder(bench.home.root).filter((path) => path !== 'cache')
    const missed = new Set<string>()
    for (const path of files) {
      const bytes = await readFile(at(path))
      for (const place of [0.37, 1]) {
        const flipped = Buffer.from(bytes)
        const byte = Math.floor((bytes.length - 1) * place)
        flipped[byte] = (flipped[byte] ?? 0) ^ 2
        await writeFile(at(path), flipped)
        if (!(await found()).some((finding) => finding.endsWith(path))) missed.add(path)
      }
      await writeFile(at(path), bytes)
    }
    expect([...missed].filter((path) => !NO_EVIDENCE.test(path))).toEqual([])
    expect(files.length - missed.size).toBeGreaterThan(80)
  })

  it('shows an event that was edited in Parquet, though the file was written as the program writes it', async () => {
    const path = dataFile()
    const edited = join(bench.folder, 'edited.parquet')
    await bench.sql(`COPY (SELECT * REPLACE (CASE WHEN request_id = 'request-7' THEN 'delete' ELSE action END AS action)
      FROM read_parquet(${lit(at(path))}, hive_partitioning = false)) TO ${lit(edited)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`)
    await rename(edited, at(path))
    expect(await found()).toEqual([`changed ${path}`])
    const { out } = await command(registerVerify, 'verify', '--rows', '--key', key)
    expect(out).toContain('Its rows do not give the root')
  })

  it('shows a file that was written anew with the same rows as changed, and its rows as those that were sealed', async () => {
    const path = dataFile()
    const again = join(bench.folder, 'again.parquet')
    await bench.sql(
      `COPY (SELECT * FROM read_parquet(${lit(at(path))}, hive_partitioning = false)) TO ${lit(again)} (FORMAT parquet, COMPRESSION snappy)`,
    )
    await rename(again, at(path))
    const { out } = await command(registerVerify, 'verify', '--rows', '--json', '--key', key)
    expect(JSON.parse(out).findings).toMatchObject([{ kind: 'changed', where: path }])
  })

  it('shows a batch that was taken out of the Delta log, and commits that nobody sealed', async () => {
    const commits = keysUnder(at('lake/events/_delta_log')).filter((name) => /^\d{20}\.json$/.test(name))
    const [middle, last] = [commits.at(-3), commits.at(-1)]
    await rm(at(`lake/events/_delta_log/${middle}`))
    expect(await found()).toEqual([`missing lake/events/_delta_log/${middle}`])
    await rm(at(`lake/events/_delta_log/${last}`))
    expect((await found()).at(-1)).toBe(`missing lake/events/_delta_log/${last}`)
  })

  it('shows a commit that was made past the seal as a gap, until the next ingestion seals it late', async () => {
    await DeltaTable.at(bench.home.events, EVENTS_TABLE).commit({ adds: [], operation: 'WRITE', nowMs: 1 })
    const [gap, ...more] = await found()
    expect(gap).toMatch(/^gap lake\/events\/_delta_log\/\d+\.json$/)
    expect(more).toEqual([])
    await bench.take(await bench.file('logs/a.json', deliveryLines(1, 200)))
    const report = await verified()
    expect(report.findings).toEqual([])
    expect(report.statements).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^1 versions were sealed later/),
        expect.stringMatching(/^Leaf \d+, .*: version \d+ of table events \(WRITE\) was sealed later/),
      ]),
    )
  })

  it('shows commits of others that the next ingestion sealed: rows put in, files taken out', async () => {
    const table = DeltaTable.at(bench.home.events, EVENTS_TABLE)
    const { files } = await table.snapshot()
    const [first] = files
    if (first === undefined) throw new Error('There is no file.')
    const copy = first.path.replace(/[^/]+$/, 'planted-0.parquet')
    await cp(at(`lake/events/${decodeURIComponent(first.path)}`), at(`lake/events/${decodeURIComponent(copy)}`))
    await table.commit({ adds: [{ ...first, path: copy }], operation: 'WRITE', nowMs: 1 })
    await table.commit({ adds: [], removes: [{ ...first, path: copy }], operation: 'DELETE', nowMs: 2 })
    await bench.take(await bench.file('logs/a.json', deliveryLines(1, 200)))
    const { findings } = await verified()
    expect(findings.map(({ kind, what }) => `${kind} ${what}`)).toEqual([
      expect.stringMatching(
        /^gap Leaf \d+: version \d+ of table events \(WRITE\) adds rows that no ingestion explains\./,
      ),
      expect.stringMatching(/^gap Leaf \d+: version \d+ of table events \(DELETE\) removes files, and merges none\./),
    ])
  })

  it('shows that it was put back to an earlier day, against a checkpoint that was kept', async () => {
    await bench.take(await bench.file('logs/later.json', deliveryLines(9000, 9010)))
    const kept = { name: 'kept', bytes: await readFile(at('seal/log/checkpoint')) }
    expect(await found({ checkpoints: [kept] })).toEqual([])
    await rm(bench.home.root, { recursive: true })
    await cp(saved, bench.home.root, { recursive: true })
    expect(await found()).toEqual([])
    expect(await found({ checkpoints: [kept] })).toEqual(['missing kept'])
  })

  it('shows a fork, where it went on from an earlier day and signed another history', async () => {
    await bench.take(await bench.file('logs/later.json', deliveryLines(9000, 9010)))
    const size = (await verified()).log?.size ?? 0
    const kept = { name: 'kept', bytes: await readFile(at('seal/log/checkpoint')) }
    await rm(bench.home.root, { recursive: true })
    await cp(saved, bench.home.root, { recursive: true })
    await bench.take(await bench.file('logs/other.json', deliveryLines(9100, 9105)))
    expect((await verified()).log?.size).toBe(size)
    expect(await found()).toEqual([])
    expect(await found({ checkpoints: [kept] })).toEqual(['forked kept'])
  })

  it('has no findings while it ingests, though it is read all the time', async () => {
    let isDone = false
    const ingesting = (async () => {
      for (let n = 0; n < 2; n++)
        await bench.take(await bench.file(`logs/live${n}.json`, deliveryLines(20_000 + n * 9, 20_005 + n * 9)))
      isDone = true
    })()
    let reads = 0
    // Patient, since a busy machine may take longer than usual from a commit to its leaf.
    for (; !isDone; reads++) {
      expect((await verifyHome(bench.home.root, { key, patienceMs: 30_000 })).findings).toEqual([])
    }
    await ingesting
    expect(reads).toBeGreaterThan(0)
  })

  it.each([
    ['the lake', ['lake']],
    ['all but the seal', ['lake', 'manifests', 'raw', 'ledger.db']],
  ])('has no findings after %s was put back on purpose, nor has an export', async (_, folders) => {
    await bench.take(await bench.file('logs/later.json', deliveryLines(9000, 9010)))
    await bench.take(await bench.file('logs/last.json', deliveryLines(9020, 9030)))
    for (const name of folders) {
      await rm(at(name), { recursive: true })
      await cp(join(saved, name), at(name), { recursive: true })
    }
    if (folders.includes('ledger.db'))
      for (const end of ['-wal', '-shm']) await rm(at(`ledger.db${end}`), { force: true })
    await command(registerSeal, 'seal', 'restore', '--reason', 'a test')
    expect(await found()).toEqual([])
    await bench.take(await bench.file('logs/after.json', deliveryLines(9200, 9210)))
    const report = await verified()
    expect(report.findings).toEqual([])
    expect(report.statements).toContainEqual(expect.stringMatching(/put table events back/))
    const out = join(bench.folder, `put-back-${folders.length}`)
    await command(registerProve, 'prove', '--from', '2026-11-01', '--out', out)
    const { exitCode, out: text } = await command(registerVerify, 'verify', out, '--key', key)
    expect(text).toContain('Nothing is changed')
    expect(exitCode).toBe(0)
  })

  it('gives proofs of events that hold for this log only', async () => {
    const [row] = await bench.events<{ event_id: string }>('event_id', "WHERE request_id = 'request-7'")
    const path = join(bench.folder, 'one.tlog-proof')
    await command(registerProve, 'prove', row?.event_id ?? '', '--out', path)
    const good = await command(registerVerify, 'verify', path, '--key', key)
    expect(good.exitCode).toBe(0)
    expect(good.out).toMatch(/request_id +request-7\n/)
    const text = await readFile(path, 'utf8')
    await writeFile(
      path,
      text.replace(/index (\d+)/, (_, index) => `index ${Number(index) + 1}`),
    )
    expect((await command(registerVerify, 'verify', path, '--key', key)).exitCode).toBe(1)
  })

  it('gives a period as a folder that verifies by itself', async () => {
    const out = join(bench.folder, 'period')
    await command(registerProve, 'prove', '--from', '2026-11-01', '--out', out)
    const { out: text, exitCode } = await command(registerVerify, 'verify', out, '--key', key)
    expect(text).toContain('Nothing is changed')
    expect(exitCode).toBe(0)
  })
})
