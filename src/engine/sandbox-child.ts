/**
 * The process a {@link Sandbox} runs its queries in: it can be killed when a query will not stop, and its memory is
 * watched from within, because some functions take memory that DuckDB's own limit does not count. It answers one
 * request at a time, see `sandbox-messages.ts`.
 */
import { ERRORS, type ErrorCode, isAppError, messageOf } from '../core/errors.ts'
import { damagedFile } from './damaged-file.ts'
import { SandboxAnswers } from './sandbox-answers.ts'
import type { SandboxReply, SandboxRequest, SandboxSetup } from './sandbox-messages.ts'

const WATCH_EVERY_MS = 50
const INTERRUPT_EVERY_MS = 20
/** Measured: what DuckDB counts is half of what it takes with long texts, and freed memory stays with the allocator. */
const ceilingMb = (memoryLimitMb: number): number => 2 * memoryLimitMb + 800

let answers: SandboxAnswers | undefined
let setup: SandboxSetup | undefined
let busy = false
/** A process that holds this much after a query is replaced: freed memory often stays with the allocator. */
let wornMb = Number.POSITIVE_INFINITY
let interrupting: NodeJS.Timeout | undefined

const usedMb = (): number => Math.round(process.memoryUsage.rss() / 1_000_000)

/** Ends the process when it holds more than `limitMb`: nothing else stops a single function call. */
function watchMemory(limitMb: number): void {
  wornMb = limitMb / 2
  setInterval(() => {
    const used = usedMb()
    if (used <= limitMb) return
    const runaway: SandboxReply = { kind: 'runaway', usedMb: used }
    process.send?.(runaway, () => process.kill(process.pid, 'SIGKILL'))
  }, WATCH_EVERY_MS).unref()
}

async function serve(request: Exclude<SandboxRequest, { op: 'interrupt' }>): Promise<SandboxReply> {
  if (request.op === 'open') {
    setup = request.setup
    answers = await SandboxAnswers.open(setup)
    watchMemory(ceilingMb(setup.memoryLimitMb))
    return { kind: 'ready' }
  }
  if (answers === undefined) throw new Error('The sandbox is not open.')
  switch (request.op) {
    case 'start':
      return answers.start(request.sql, request.maxRows)
    case 'next':
      return answers.next()
    case 'leave':
      await answers.leave()
      return { kind: 'ready' }
    case 'parquet':
      return answers.writeParquet(request.sql, request.maxRows)
  }
}

/** DuckDB's own words, without their class, the pointer into the text, and anything that could steer a terminal. */
const plainMessage = (cause: unknown): string =>
  (messageOf(cause).split(/\s*\n+LINE \d+:/, 1)[0] ?? '')
    .replace(/^(?:Failed to \w+ statements?: )?(?:\w+ ){1,3}Error: /, '')
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .slice(0, 2000)

const failed = (code: ErrorCode, message: string, hint: string = ERRORS[code].hint): SandboxReply => ({
  kind: 'failed',
  code,
  message,
  hint,
})

/** What went wrong in a query is the query's doing, unless the engine's words say otherwise. */
function failure(thrown: unknown): SandboxReply {
  const cause = isAppError(thrown) && thrown.code === 'ENGINE' && thrown.cause !== undefined ? thrown.cause : thrown
  if (isAppError(cause)) return failed(cause.code, plainMessage(cause), cause.hint)
  if (damagedFile(cause) !== undefined) return openingFailure(cause)
  const message = messageOf(cause)
  if (/Out of Memory Error|max_temp_directory_size/.test(message)) return outOfMemory(message)
  if (/^(IO|Fatal|INTERNAL) Error/i.test(message)) return failed('ENGINE', plainMessage(cause))
  if (/(^|: )Permission Error/.test(message)) return failed('SQL_REFUSED', plainMessage(cause))
  return failed('BAD_SQL', plainMessage(cause))
}

function outOfMemory(detail: string): SandboxReply {
  const { memoryLimitMb = 0, maxSpillMb = 0 } = setup ?? {}
  const disk = /offload|temp_directory/.test(detail) ? ` and the ${maxSpillMb} MB of disk` : ''
  return failed(
    'SQL_REFUSED',
    `The query needs more than the ${memoryLimitMb} MB of memory${disk} it may use.`,
    'Narrow the time range, select fewer columns, or count and group instead of sorting everything.',
  )
}

/** The relations are ours: what is wrong with them is no fault of a query. */
function openingFailure(thrown: unknown): SandboxReply {
  const cause = damagedFile(thrown) ?? thrown
  return isAppError(cause) ? failed(cause.code, plainMessage(cause), cause.hint) : failed('ENGINE', plainMessage(cause))
}

process.on('message', async (request: SandboxRequest) => {
  if (request.op === 'interrupt') {
    // One that falls between two steps of a query would be lost, so it is repeated until the reply is out.
    if (busy) interrupting ??= setInterval(() => answers?.interrupt(), INTERRUPT_EVERY_MS)
    return
  }
  busy = true
  let answer: SandboxReply
  try {
    answer = await serve(request)
  } catch (cause) {
    answer = request.op === 'open' ? openingFailure(cause) : failure(cause)
  }
  busy = false
  clearInterval(interrupting)
  interrupting = undefined
  process.send?.({ ...answer, worn: usedMb() > wornMb } satisfies SandboxReply)
})
// Ctrl-C reaches the whole process group; the parent decides what it means.
process.on('SIGINT', () => {})
// A plain exit would wait for the engine's threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
