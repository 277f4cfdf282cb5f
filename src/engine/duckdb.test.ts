import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Engine } from './duckdb.ts'

let engine: Engine
beforeEach(async () => {
  engine = await Engine.open({ threads: 1 })
  await engine.run("ATTACH ':memory:' AS other")
  await engine.run('CREATE TABLE source (n INTEGER)')
  await engine.run('CREATE TABLE other.sink (n INTEGER, twice INTEGER)')
})
afterEach(() => engine.close())

const COPY = 'INSERT INTO other.sink SELECT n, 2 * n FROM source'
const sink = async () =>
  (await engine.rows('SELECT n, twice FROM other.sink ORDER BY n')).map(({ n, twice }) => [n, twice])

describe('a statement whose plan is kept', () => {
  it('reads what the tables hold each time it runs', async () => {
    await engine.run('INSERT INTO source VALUES (1)')
    await engine.runKept(COPY)
    await engine.run('DELETE FROM source')
    await engine.run('INSERT INTO source VALUES (2), (3)')
    await engine.runKept(COPY)
    expect(await sink()).toEqual([
      [1, 2],
      [2, 4],
      [3, 6],
    ])
  })

  it('takes nothing that the tables held when it was planned for what they will hold', async () => {
    const told =
      'INSERT INTO other.sink SELECT CASE WHEN n IS NULL THEN -1 WHEN n < 10 THEN 1 ELSE 2 END, NULL FROM source'
    await engine.run('INSERT INTO source VALUES (NULL)')
    await engine.runKept(told)
    await engine.run('DELETE FROM source')
    await engine.run('INSERT INTO source VALUES (5), (50)')
    await engine.runKept(told)
    expect((await sink()).map(([n]) => n)).toEqual([-1, 1, 2])
  })

  it('is right after tables were made, replaced or changed, and after plans were forgotten', async () => {
    await engine.runKept(COPY)
    await engine.run('CREATE OR REPLACE TABLE source AS SELECT 5 AS n')
    await engine.runKept(COPY)
    await engine.run('ALTER TABLE source ALTER n TYPE BIGINT')
    await engine.runKept(COPY)
    engine.forgetPlans()
    await engine.runKept(COPY, 'join_order')
    expect(await sink()).toEqual([
      [5, 10],
      [5, 10],
      [5, 10],
    ])
    expect(await engine.row("SELECT current_setting('disabled_optimizers') AS off")).toEqual({ off: '' })
  })

  it('fails as any other, and can be run again', async () => {
    await engine.run('INSERT INTO source VALUES (2000000000)')
    await expect(engine.runKept(COPY)).rejects.toMatchObject({ code: 'ENGINE' })
    await engine.run('DELETE FROM source')
    await engine.runKept(COPY)
    await expect(engine.runKept('INSERT INTO nowhere VALUES (1)')).rejects.toMatchObject({ code: 'ENGINE' })
    expect(await sink()).toEqual([])
  })
})

describe('a statement that is planned lightly', () => {
  const disabled = async () => (await engine.row<{ v: string }>("SELECT current_setting('disabled_optimizers') AS v")).v
  const QUERY = `WITH doubled AS (SELECT n, 2 * n AS twice FROM source)
    SELECT a.n, b.twice FROM doubled a LEFT JOIN doubled b ON b.n = a.twice WHERE a.n IN (SELECT n FROM source WHERE n < 5) ORDER BY a.n`

  it('says the same, and leaves others to be planned as ever', async () => {
    await engine.run('INSERT INTO source SELECT range FROM range(9)')
    const ever = await disabled()
    expect(await engine.lightly(() => engine.rows(QUERY))).toEqual(await engine.rows(QUERY))
    expect(await disabled()).toBe(ever)
  })

  it('leaves them so where it fails, too', async () => {
    const ever = await disabled()
    await expect(engine.lightly(() => engine.run('SELECT * FROM nowhere'))).rejects.toMatchObject({ code: 'ENGINE' })
    expect(await disabled()).toBe(ever)
  })
})

describe('an engine that is closed while a statement runs', () => {
  const ROWS = 'range(10_000_000) a(i), range(1_000_000) b(i)'
  const LONG = `SELECT sum(a.i * b.i) AS n FROM ${ROWS}`
  /** Draws a number once it runs. */
  const TELLING = `SELECT sum(a.i * b.i + drawn) AS n FROM (SELECT nextval('begun') AS drawn), ${ROWS}`

  it.each([
    ['query', (own: Engine) => own.rows(TELLING)],
    ['statement', (own: Engine) => own.run(`CREATE TABLE t AS ${TELLING}`)],
    ['kept plan', (own: Engine) => own.runKept(`INSERT INTO kept ${TELLING}`)],
  ])('ends the %s first, and takes nothing after', async (_, start) => {
    const own = await Engine.open({ threads: 2 })
    await own.run('CREATE TABLE kept (n HUGEINT)')
    await own.run('CREATE SEQUENCE begun')
    const beside = await own.beside()
    const failed = expect(start(own)).rejects.toMatchObject({ code: 'ENGINE' })
    const drawn = () => beside.row('SELECT last_value AS n FROM duckdb_sequences()')
    await vi.waitFor(async () => expect(await drawn()).toEqual({ n: '1' }), { timeout: 30_000, interval: 5 })
    beside.close()
    own.close()
    own.close()
    own.interrupt()
    await expect(own.rows('SELECT 1')).rejects.toThrow('The engine was closed.')
    await failed
    await expect(own.run('SELECT 1')).rejects.toThrow('The engine was closed.')
  })

  it('ends one that has hardly begun', async () => {
    for (let round = 0; round < 20; round++) {
      const own = await Engine.open({ threads: 2 })
      const failed = expect(own.rows(LONG)).rejects.toMatchObject({ code: 'ENGINE' })
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      own.close()
      await failed
    }
  })

  it('leaves a connection beside it to whoever has that', async () => {
    const own = await Engine.open({ threads: 1 })
    const beside = await own.beside()
    const answer = beside.rows('SELECT count(*) AS n FROM range(20_000_000) a(i) WHERE hash(i) % 7 = 3')
    own.close()
    expect(Number((await answer)[0]?.n)).toBeGreaterThan(0)
    beside.close()
  })
})
