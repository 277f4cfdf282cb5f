/** Running rules together, and finding the one that cannot be run. */
import { messageOf } from '../../core/errors.ts'
import type { Engine } from '../../engine/duckdb.ts'
import type { CompiledRule } from './compile.ts'
import { checkStopped } from './stopping.ts'

/** A rule that did not run. */
export interface Unrun {
  readonly rule: CompiledRule
  readonly reason: 'too slow' | 'failed'
  /** The engine's words. */
  readonly message: string
}

/** What was left out. */
export type Outcome = readonly Unrun[]

/** Looking for the rule at fault, parts are given this share of the time, so that one slow rule holds up a batch not much longer than once. */
const SHARE_OF_PARTS = 8
const LEAST_MS = 5000

const partOf = (timeoutMs: number): number => Math.min(timeoutMs, Math.max(LEAST_MS, timeoutMs / SHARE_OF_PARTS))

/** What is left of the time for what was begun `since`, and not less than parts are given. */
export const timeLeft = (timeoutMs: number, since: number): number =>
  Math.max(partOf(timeoutMs), timeoutMs - (performance.now() - since))

/**
 * Runs rules in one go. Where that fails or takes too long, runs each half by itself, down to the rules at fault; the others have
 * run then, each once. `run` must leave nothing behind when it fails.
 */
export async function withinTime(
  engine: Engine,
  rules: readonly CompiledRule[],
  timeoutMs: number,
  run: (rules: readonly CompiledRule[]) => Promise<void>,
  isPart = false,
): Promise<Outcome> {
  const [first] = rules
  if (first === undefined) return []
  let late = false
  const timer = setTimeout(() => {
    late = true
    engine.interrupt()
  }, timeoutMs)
  try {
    await run(rules)
    return []
  } catch (cause) {
    checkStopped(engine)
    if (rules.length === 1) {
      return [{ rule: first, reason: late ? 'too slow' : 'failed', message: messageOf(cause) }]
    }
  } finally {
    clearTimeout(timer)
  }
  const middle = Math.ceil(rules.length / 2)
  const partMs = isPart ? timeoutMs : partOf(timeoutMs)
  return [
    ...(await withinTime(engine, rules.slice(0, middle), partMs, run, true)),
    ...(await withinTime(engine, rules.slice(middle), partMs, run, true)),
  ]
}
