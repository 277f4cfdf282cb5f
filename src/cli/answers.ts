/** What commands that print answers have in common: limits, formats, and the line below the answer. */

import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { type Reader, TEXT_FORMATS, type TextFormat, type Write, type WrittenAnswer } from '../ask/formats.ts'
import { AppError, messageOf } from '../core/errors.ts'
import { printable, printableLines } from '../core/printable.ts'
import type { CliContext } from './contract.ts'
import { wholeNumber } from './numbers.ts'

/** Where a terminal does not say how wide it is. */
const USUAL_WIDTH = 80
/** So many names of columns without room are worth reading. */
const NAMED_HIDDEN = 8

/** `--limit`: a whole number, 0 for no limit. Throws BAD_ARGUMENT. */
export function limitOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const limit = wholeNumber('--limit', text)
  return limit === 0 ? Number.POSITIVE_INFINITY : limit
}

/** `--format` as one of `accepted`. Throws BAD_ARGUMENT. */
export function formatOf<F extends string = TextFormat>(
  text: string,
  accepted: readonly F[] = TEXT_FORMATS as readonly string[] as readonly F[],
): F {
  const format = accepted.find((name) => name === text.toLowerCase())
  if (format === undefined) {
    throw new AppError('BAD_ARGUMENT', `There is no format "${text}".`, {
      hint: `Pass --format ${accepted.join(', ')}.`,
    })
  }
  return format
}

/** Who reads standard output. */
export function readerOf(cli: CliContext): Reader {
  const { columns } = cli.stdout as { columns?: number }
  return { tty: cli.tty, width: columns ?? USUAL_WIDTH }
}

/**
 * Opens a file for text. Throws BAD_ARGUMENT or UNREADABLE where it cannot be made, DISK_FULL where it cannot grow.
 *
 * @param named the file as the user knows it
 */
export async function openForWriting(
  path: string,
  named: string = path,
): Promise<{ write: Write; close: () => Promise<void> }> {
  const file = await open(path, 'w').catch((cause: unknown) => {
    throw codeOf(cause) === 'ENOENT'
      ? new AppError('BAD_ARGUMENT', `The folder of ${named} does not exist.`, {
          hint: 'Make the folder first, or name a file in another.',
          cause,
        })
      : new AppError('UNREADABLE', `Cannot write ${named}: ${messageOf(cause)}`, { cause })
  })
  const write = async (text: string) => {
    await file.appendFile(text).catch((cause: unknown) => {
      throw codeOf(cause) === 'ENOSPC' ? new AppError('DISK_FULL', `The disk is full: ${named}.`, { cause }) : cause
    })
  }
  return { write, close: () => file.close() }
}

/**
 * Writes bytes of UTF-8 to standard output and waits while its buffer is full; on a terminal with every character escaped
 * that it would act on. Throws when `signal` is aborted.
 */
export function bytesTo({ stdout, tty }: CliContext, signal: AbortSignal): (bytes: Uint8Array) => Promise<void> {
  const decoder = new TextDecoder()
  return async (bytes) => {
    signal.throwIfAborted()
    const room = stdout.write(tty ? printableLines(decoder.decode(bytes, { stream: true })) : bytes)
    if (!room) await once(stdout, 'drain', { signal })
  }
}

const codeOf = (cause: unknown): string | undefined => (cause as NodeJS.ErrnoException).code

/** Says on standard error how many rows there were, what is left out and how to see it. */
export function noteAnswer(
  cli: CliContext,
  written: WrittenAnswer,
  answer: { readonly truncated: boolean; readonly elapsedMs: number; readonly what: string; readonly more: string },
): void {
  const count = `${written.rows.toLocaleString('en-US')} ${answer.what}${written.rows === 1 ? '' : 's'}`
  const seconds = `${(answer.elapsedMs / 1000).toFixed(2)} s`
  cli.note(
    answer.truncated ? `The first ${count} in ${seconds}; there are more: ${answer.more}.` : `${count} in ${seconds}`,
  )
  if (written.hidden.length === 0) return
  const named = written.hidden.slice(0, NAMED_HIDDEN).join(', ')
  const rest = written.hidden.length - NAMED_HIDDEN
  cli.note(
    `Columns without room here: ${printable(named)}${rest > 0 ? ` and ${rest} more` : ''}. Name those you want, or use --format json.`,
  )
}
