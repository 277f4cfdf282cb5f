/** Run as a process of its own and killed: sends numbered batches until then and tells which were delivered. Arguments: home, first number. */

import { numberedBatch } from './delta.fixture.ts'
import { delta } from './delta.ts'

const [, , folder = '', first = '0'] = process.argv
const sink = await delta.open({ folder: 'out' }, { name: 'table', secret: () => '', timeoutMs: 5000, folder })
for (let number = Number(first); ; number++) {
  const outcome = await sink.send(numberedBatch(number), AbortSignal.timeout(20_000))
  if (outcome.kind !== 'delivered') throw new Error(JSON.stringify(outcome))
  process.stdout.write(`${number}\n`)
}
