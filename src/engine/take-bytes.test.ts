import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../core/errors.ts'
import { Engine } from './duckdb.ts'
import { takeBytes } from './take-bytes.ts'

let engine: Engine

beforeEach(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterEach(() => engine.close())

/** All that is passed on, in the order of places. */
async function taken(
  relation: string,
  text: string,
  file = "'f'",
  place = 'range',
): Promise<[string, string, number][]> {
  const rows: [string, string, number][] = []
  await takeBytes(engine, relation, { bytes: `encode(${text})`, file, place }, (bytes, from, at) => {
    rows.push([Buffer.from(bytes).toString('utf8'), from, at])
  })
  return rows.sort(([, , a], [, , b]) => a - b)
}

describe('values of the engine', () => {
  it('come byte for byte, of every length, with their files and places', async () => {
    const rows = await taken('range(5000)', "repeat('é', range % 40) || range", "'file ' || (range // 1000)")
    expect(rows).toEqual(
      Array.from({ length: 5000 }, (_, at) => [`${'é'.repeat(at % 40)}${at}`, `file ${Math.floor(at / 1000)}`, at]),
    )
  })

  it('come whole where they lie apart, and where each is longer than what is read at once', async () => {
    await engine.run(
      'CREATE TABLE apart AS SELECT range, repeat(chr((97 + range % 26)::INTEGER), 300) AS t FROM range(4000)',
    )
    expect(await taken('(FROM apart WHERE range % 3 = 0)', 't')).toEqual(
      Array.from({ length: 1334 }, (_, at) => [String.fromCharCode(97 + ((at * 3) % 26)).repeat(300), 'f', at * 3]),
    )
    const long = await taken('range(20)', "repeat('x', 200000 + range)")
    expect(long.map(([text]) => text.length)).toEqual(Array.from({ length: 20 }, (_, at) => 200_000 + at))
  })

  it('come with places of 64 bits', async () => {
    const rows = await taken('range(3)', "'some text of a row'", "'f'", '9007199254740000 + range')
    expect(rows.map(([, , place]) => place)).toEqual([9007199254740000, 9007199254740001, 9007199254740002])
  })

  it('come from several statements at once, each to its own', async () => {
    const other = await engine.beside()
    const counts = [0, 0]
    const sql = { bytes: "encode('some text of row ' || range)", file: "'f'", place: 'range' }
    await Promise.all(
      [engine, other].map((each, at) =>
        takeBytes(each, `range(${10_000 * (at + 1)})`, sql, () => {
          counts[at] = (counts[at] ?? 0) + 1
        }),
      ),
    )
    expect(counts).toEqual([10_000, 20_000])
    other.close()
  })

  it('end with what takes them, as it says, and the engine goes on', async () => {
    const refuse = () => {
      throw new AppError('BAD_LAKE', 'Not this one.')
    }
    const sql = { bytes: "encode('some text of a row')", file: "'f'", place: 'range' }
    await expect(takeBytes(engine, 'range(10000)', sql, refuse)).rejects.toMatchObject({ code: 'BAD_LAKE' })
    expect(await taken('range(2)', "'a'")).toHaveLength(2)
    await expect(taken('nowhere', "'a'")).rejects.toMatchObject({ code: 'ENGINE' })
  })

  it('are refused where a row has none, or no file', async () => {
    await expect(taken('range(3)', "CASE WHEN range < 2 THEN 'a' END")).rejects.toMatchObject({ code: 'ENGINE' })
    await expect(taken('range(3)', "'a'", 'NULL')).rejects.toMatchObject({ code: 'ENGINE' })
  })
})
