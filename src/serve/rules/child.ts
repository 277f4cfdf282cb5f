/** The process behind the rules: reading a pack and trying a rule take seconds, and the server answers meanwhile. */
import { setPriority } from 'node:os'
import { homeAt } from '../../core/home.ts'
import { loadPack } from '../../detect/pack/load.ts'
import { answerTask } from '../tasks/child.ts'
import { backtestOver } from './backtest.ts'
import { bookOf } from './book.ts'
import type { RuleAnswers, RuleWork } from './work.ts'

/** Who waits for a page goes first. */
const NICENESS = 5

/** Logs that the lake holds. */
const PRODUCT = 'databricks'

setPriority(NICENESS)
answerTask<RuleWork, RuleAnswers[RuleWork['what']]>(async (work) => {
  if (work.what === 'backtest') return backtestOver(homeAt(work.home), work)
  const pack = await loadPack({ settingsFile: work.settingsFile, examples: false, product: PRODUCT })
  return bookOf(pack, work.settingsFile)
})
