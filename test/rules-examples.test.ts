/** The rule pack, tried: lint finds nothing wrong with it, and every example comes out as its rule says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeAt } from '../src/core/home.ts'
import { isYamlMap } from '../src/core/yaml/documents.ts'
import { problemText } from '../src/core/yaml/place.ts'
import { detectOver, FOUND } from '../src/detect/job/over.ts'
import { loadPack } from '../src/detect/pack/load.ts'
import type { RulePack } from '../src/detect/pack/pack.ts'
import { calledRule, packOf } from '../src/detect/review/chosen.ts'
import { deliveredRecord } from '../src/detect/review/example-events.ts'
import { runExamples } from '../src/detect/review/examples.ts'
import { casesOf, type ExampleCase } from '../src/detect/review/isolated.ts'
import { lintPack } from '../src/detect/review/lint.ts'
import { Engine } from '../src/engine/duckdb.ts'
import { ingest } from '../src/ingest/ingest.ts'
import { scanSql } from '../src/lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../src/lake/table.ts'
import { CACHE_HOME } from '../src/normalise/read-records.fixture.ts'

/** On a busy machine. */
const PATIENCE_MS = 240_000

/** Examples that are ingested into a lake of their own: every so many, so that each kind of rule is among them. */
const EVERY = 160

let pack: RulePack
let folder: string

beforeAll(async () => {
  pack = await loadPack()
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-examples-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the shipped rules', () => {
  it('have no fault that lint knows of', async () => {
    const { problems, rules } = await lintPack(pack)
    expect(rules).toBeGreaterThan(500)
    expect(problems.map(problemText)).toEqual([])
  })

  it(
    'fire in all their examples that say so, and in none of the others',
    async () => {
      const results = await runExamples(pack, { home: homeAt(CACHE_HOME), threads: 2 })
      expect(results.length).toBeGreaterThan(900)
      expect(results.filter(({ expects }) => expects === 'fires').length).toBeGreaterThanOrEqual(370)
      const failed = results.filter(({ passed }) => !passed)
      expect(failed.map(({ rule, example, why }) => `${calledRule(rule)}, ${example.name}: ${why.join(' ')}`)).toEqual(
        [],
      )
    },
    PATIENCE_MS,
  )

  it(
    'come to the same where an example has a lake of its own, with no rule copied',
    async () => {
      const cases = casesOf(pack).filter(({ example }, at) => at % EVERY === 0 && example.asOf === undefined)
      expect(new Set(cases.map(({ rule }) => rule.rule.kind)).size).toBeGreaterThan(1)
      for (const each of cases)
        expect(await firesInLake(each), `${calledRule(each.rule)}, ${each.example.name}`).toBe(each.expects === 'fires')
    },
    PATIENCE_MS,
  )
})

async function firesInLake({ id, rule, example }: ExampleCase): Promise<boolean> {
  // Compiling networks takes longer than all the rest.
  const home = { ...homeAt(join(folder, id)), cache: homeAt(CACHE_HOME).cache }
  const file = join(folder, `${id}.json`)
  const records = example.records.map((record, at) =>
    JSON.stringify(isYamlMap(record) ? deliveredRecord(record, at) : record),
  )
  await writeFile(file, `${records.join('\n')}\n`)
  await ingest({
    home,
    specs: [file],
    form: 'auto',
    stdin: process.stdin,
    now: () => new Date('2026-12-31'),
    seal: false,
  })
  const table = DeltaTable.at(home.events, EVENTS_TABLE)
  const engine = await Engine.open({ threads: 2 })
  try {
    const relation = scanSql(table, (await table.snapshot()).files)
    await detectOver(engine, packOf(pack, [rule]), relation, { now: new Date('2100-01-01') })
    const { n } = await engine.row<{ n: number }>(`SELECT count(*)::INTEGER AS n FROM ${FOUND}`)
    return n > 0
  } finally {
    engine.close()
  }
}
