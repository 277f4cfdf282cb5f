/** Running rules together, and finding the one that cannot be run. */
import { messageOf } from '../../core/errors.ts'
import type { Engine } from '../../engine/duckdb.ts'
import type { CompiledRule } from './compile.ts'

/** A rule that did not run. */
export interface Unrun {
  readonly rule: CompiledRule
  readonly reason: 'too slow' | 'failed'
  /** The engine's words. */
  readonly message: string
}

/** What was left out. */
export type Outcome = readonly Unrun[]

/**
 * Runs rules in one go. Where that fails or takes too long, runs each half by itself, down to the rules at fault; the others have
 * run then, each once. `run` must leave nothing behind when it fails.
 */
export async function withinTime(
  engine: Engine,
  rules: readonly CompiledRule[],
  timeoutMs: number,
  run: (rules: readonly CompiledRule[]) => Promise<void>,
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
    if (rules.length === 1) {
      return [{ rule: first, reason: late ? 'too slow' : 'failed', message: messageOf(cause) }]
    }
  } finally {
    clearTimeout(timer)
  }
  const middle = Math.ceil(rules.length / 2)
  return [
    ...(await withinTime(engine, rules.slice(0, middle), timeoutMs, run)),
    ...(await withinTime(engine, rules.slice(middle), timeoutMs, run)),
  ]
}
