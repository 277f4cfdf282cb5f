/** What the process behind the rules is asked, and what it answers. */
import type { RowLimits } from '../contract.ts'
import type { Backtest } from '../shapes/rules.ts'
import type { RuleBook } from './book.ts'

/** One request. */
export type RuleWork =
  | { readonly what: 'book'; readonly settingsFile: string }
  | {
      readonly what: 'backtest'
      readonly home: string
      readonly rule: string
      readonly fromMs?: number
      readonly toMs?: number
      readonly nowMs: number
      /** Rows of whoever asks. */
      readonly rows: RowLimits
      /** Made and removed by whoever asks: a process that is ended cleans up nothing. */
      readonly tempDir: string
    }

/** Its answer. */
export interface RuleAnswers {
  readonly book: RuleBook
  readonly backtest: Backtest
}
