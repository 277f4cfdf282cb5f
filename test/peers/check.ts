/** Checks of a peer: one line each, `ok …` or `not ok …`, counted by `run.ts`. */
import { deepStrictEqual } from 'node:assert'

/** Runs a check; a failed one is told and does not stop the others. */
export async function check(name: string, work: () => void | Promise<void>): Promise<void> {
  try {
    await work()
    process.stdout.write(`ok ${name}\n`)
  } catch (cause) {
    process.stdout.write(`not ok ${name}\n`)
    const told = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    process.stdout.write(`${told.replaceAll(/^/gm, '  ')}\n`)
    process.exitCode = 1
  }
}

/** Throws, telling the difference, unless both are the same. */
export const same = (found: unknown, expected: unknown): void => deepStrictEqual(found, expected)
