/** Run as a process of its own and killed: appends counted entries to one log until then. Argument: the seal's folder. */
import { SealKeys } from './keys.ts'
import { SealLog } from './log.ts'

const folder = process.argv[2] ?? ''
const keys = await SealKeys.load(folder)
const log = await SealLog.open(folder, keys, { now: () => new Date() })
for (let round = 0; ; round++) {
  const entries = Array.from({ length: 1 + (round % 40) }, (_, at) => Buffer.from(`entry ${log.size + BigInt(at)}`))
  await log.append(entries)
}
