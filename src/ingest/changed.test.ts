import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ingest } from './ingest.ts'
import { deliveryLines, NOW, TakingBench } from './taking.fixture.ts'

let bench: TakingBench
beforeEach(async () => {
  bench = await TakingBench.open()
})
afterEach(() => bench.close())

/** Takes in the folder of logs; `meanwhile` runs once, after the objects were looked at and before they are read. */
async function takeWhile(meanwhile: () => void) {
  // What is passed by is told as progress; as the last in order, it is told when all others were looked at.
  await bench.file('logs/zz/labels.json', '{"scenarios":[]}\n')
  let done = false
  const onProgress = () => {
    if (!done) meanwhile()
    done = true
  }
  const [specs, stdin] = [[`${bench.folder}/logs`], Readable.from([])]
  return ingest({ home: bench.home, specs, form: 'auto', stdin, now: () => NOW, onProgress })
}

const again = () => bench.take(`${bench.folder}/logs`)

test('an object that is overwritten while it is read is left for the next time, and costs the others nothing', async () => {
  await bench.file('logs/steady.json', deliveryLines(1, 3))
  const path = await bench.file('logs/written.json', deliveryLines(11, 13))
  const report = await takeWhile(() => writeFileSync(path, deliveryLines(21, 24)))
  expect(report).toMatchObject({ objects: 1, events: 3, unreadable: [{ object: path }] })
  expect(report.unreadable[0]?.message).toContain('changed while it was read')
  expect(await again()).toMatchObject({ objects: 1, unchanged: 1, events: 4, unreadable: [] })
  expect(await bench.eventCount()).toEqual({ rows: 7, ids: 7 })
})

test('a compressed object that grows while it is read is left for the next time', async () => {
  const path = await bench.file('logs/packed.gz', gzipSync(deliveryLines(1, 3)))
  await expect(takeWhile(() => appendFileSync(path, gzipSync(deliveryLines(4, 5))))).rejects.toMatchObject({
    code: 'UNREADABLE',
  })
  expect(await bench.eventCount()).toEqual({ rows: 0, ids: 0 })
  expect(await again()).toMatchObject({ events: 5, duplicates: 0 })
})

test('of lines that grow while they are read, what was there at the look is taken, and the rest the next time', async () => {
  const path = await bench.file('logs/lines.json', deliveryLines(1, 3))
  expect(await takeWhile(() => appendFileSync(path, deliveryLines(4, 5)))).toMatchObject({ events: 3, unreadable: [] })
  expect(await again()).toMatchObject({ records: 2, events: 2, duplicates: 0 })
})

test('an object that goes while the others are read costs them nothing', async () => {
  await bench.file('logs/steady.json', deliveryLines(1, 3))
  const path = await bench.file('logs/gone.json', deliveryLines(11, 13))
  expect(await takeWhile(() => rmSync(path))).toMatchObject({ events: 3, unreadable: [{ object: path }] })
})
