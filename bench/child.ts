/** The process of one piece of work: told its name and parameters as arguments, it sends its outcome to the parent. */
import type { Measured, Outcome } from './outcome.ts'
import { WORKS, type WorkName } from './works.ts'

const [name, params] = process.argv.slice(2) as [WorkName, string]
const { work } = (await WORKS[name]()) as { work: (params: unknown) => Promise<Measured> }
const measured = await work(JSON.parse(params))
// maxRSS comes in kilobytes, on macOS too: libuv converts.
const outcome: Outcome = { ...measured, peakRssBytes: process.resourceUsage().maxRSS * 1024 }
process.send?.(outcome)
process.disconnect?.()
