/** Rules tried over the history of the lake, one at a time. */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { masked } from '../alerting/text-mask.ts'
import type { Principal, ServeDeps } from '../contract.ts'
import type { Backtest } from '../shapes/rules.ts'
import { askRules } from './rule-desk.ts'

/** Connections on which nothing happens are closed after two minutes; what takes longer is for the command line. */
export const BACKTEST_SECONDS = 100

/** Homes over which one runs: it takes the memory and the cores that questions need. */
const running = new Set<string>()

/** Which rule, over which time. */
export interface BacktestAsked {
  readonly rule: string
  readonly fromMs?: number
  readonly toMs?: number
}

/**
 * What a rule would have found among the rows that the asker sees. It ends when the client leaves.
 * @throws AppError BUSY while another runs, SQL_TIMEOUT
 */
export async function backtested(
  { home, lake, now }: ServeDeps,
  asked: BacktestAsked,
  { principal, signal }: { readonly principal: Principal; readonly signal: AbortSignal },
): Promise<Backtest> {
  if (running.has(home.root))
    throw new AppError('BUSY', 'Another backtest runs; there is one at a time.', { hint: 'Try again in a moment.' })
  running.add(home.root)
  const tempDir = join(home.tmp, `backtest-${randomUUID()}`)
  try {
    await mkdir(home.tmp, { recursive: true })
    const work = {
      what: 'backtest',
      home: home.root,
      ...asked,
      nowMs: now().getTime(),
      rows: principal.rows,
      hidesQueries: principal.masks.includes('query'),
      tempDir,
    } as const
    const report = await askRules(work, { timeoutMs: BACKTEST_SECONDS * 1000, signal })
    return await masked(lake, principal, signal, (mask) => ({
      ...report,
      examples: report.examples.map((each) => ({ ...each, summary: mask.text(each.summary) })),
    }))
  } finally {
    running.delete(home.root)
    await rm(tempDir, { recursive: true, force: true })
  }
}
