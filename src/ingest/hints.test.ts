/** Hints are about speed only: whatever of an object they have seen, the rows are the same. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Home } from '../core/home.ts'
import { deliveryRecord, TakingBench } from './taking.fixture.ts'

let bench: TakingBench
beforeAll(async () => {
  bench = await TakingBench.open('home', -1)
})
afterAll(() => bench.close())

/** Ways in which records of one file differ: other callers, keys left out, in another order, new, or of odd types. */
const KINDS: readonly ((n: number) => object)[] = [
  (n) => deliveryRecord(n),
  (n) => deliveryRecord(n, { sourceIPAddress: `81.2.69.${n % 250}`, userAgent: `agent/${n % 40}` }),
  (n) => Object.fromEntries(Object.entries(deliveryRecord(n)).reverse()),
  (n) => ({ ...deliveryRecord(n), shardName: 'shard', workspaceId: 17, orgId: undefined }),
  (n) => ({ ...deliveryRecord(n), addedLater: { n } }),
  (n) => deliveryRecord(n, { requestParams: JSON.stringify({ n, text: 'x'.repeat(n % 3000) }) }),
]

/** Stretches of kinds; together more than one chunk of an object, so that there are places behind its head. */
const STRETCHES = fc.array(fc.tuple(fc.constantFrom(...KINDS.keys()), fc.integer({ min: 200, max: 2500 })), {
  minLength: 2,
  maxLength: 5,
})

const lineOf = (kind: number, n: number): string => JSON.stringify(KINDS[kind]?.(n))

const rowsOf = (home: Home) =>
  bench.events<Record<string, string>>(
    `count(*) AS n, md5(string_agg(md5((COLUMNS(* EXCLUDE (batch_id, source_object, received_time)))::VARCHAR), '' ORDER BY event_id))`,
    '',
    home,
  )

test('a file is the same rows as its lines in another order and in small pieces', async () => {
  let run = 0
  const whole = async (lines: readonly string[], name: string, pieces: number) => {
    const home = await bench.anotherHome(name)
    const each = Math.ceil(lines.length / pieces)
    for (let at = 0; at * each < lines.length; at++)
      await bench.file(`${name}-logs/${at}.json`, `${lines.slice(at * each, (at + 1) * each).join('\n')}\n`)
    expect(await bench.take(`${bench.folder}/${name}-logs`, { home })).toMatchObject({
      events: lines.length,
      rejects: 0,
    })
    return rowsOf(home)
  }
  await fc.assert(
    fc.asyncProperty(STRETCHES, async (stretches) => {
      run++
      let n = 0
      const lines = [[0, 2500] as const, ...stretches].flatMap(([kind, length]) =>
        Array.from({ length }, () => lineOf(kind, n++)),
      )
      const rows = await whole(lines, `as-is-${run}`, 1)
      expect(await whole(lines.toReversed(), `reversed-${run}`, 1)).toEqual(rows)
      expect(await whole(lines, `pieces-${run}`, 40)).toEqual(rows)
    }),
    { numRuns: 3 },
  )
}, 300_000)

test('what an object is does not depend on how many others were looked at before it', async () => {
  const home = await bench.anotherHome('late')
  const preamble = Array.from({ length: 5 }, (_, n) => JSON.stringify({ shipper: 'relay', line: n }))
  for (let n = 0; n < 300; n++) await bench.file(`late-logs/${1000 + n}.json`, `${JSON.stringify(deliveryRecord(n))}\n`)
  const records = Array.from({ length: 20 }, (_, n) => JSON.stringify(deliveryRecord(5000 + n)))
  await bench.file('late-logs/9998.json', `${[...preamble, ...records].join('\n')}\n`)
  const others = Array.from({ length: 20 }, (_, n) => JSON.stringify(deliveryRecord(6000 + n)))
  await bench.file('late-logs/9999.json', `[${[...preamble, ...others].join(',\n')}]\n`)
  expect(await bench.take(`${bench.folder}/late-logs`, { home })).toMatchObject({ events: 340, rejects: 10 })
})
