/** `bricktrail evaluate [FOLDER]`: how good the rules are, on logs whose attacks are known. */
import { AppError, EXIT } from '../../core/errors.ts'
import { homeAt } from '../../core/home.ts'
import type { EvaluateOptions, Evaluation } from '../../detect/evaluate/evaluate.ts'
import type { CliContext, Progress, RegisterCommand } from '../contract.ts'
import { wholeNumber } from '../numbers.ts'
import { scenariosOf } from './simulate.ts'

interface Flags {
  readonly events: string
  readonly days: string
  readonly seed: string
  readonly scenarios: string
  readonly lake?: string
  readonly settings?: string
  readonly rules?: readonly string[]
  readonly shipped: boolean
  readonly most: string
  readonly warmUp: string
  readonly all?: boolean
}

/** Findings a day that a person can look into beside other work. */
const MOST_A_DAY = '5'

/** Findings on no attack shown for a rule. */
const EXAMPLES = 3

/** Adds `evaluate`. */
export const registerEvaluate: RegisterCommand = (program, cli) => {
  program
    .command('evaluate')
    .description('precision and recall of the rules on logs whose attacks are known')
    .argument('[folder]', 'logs with a labels.json, as `simulate` writes them; without it, logs are simulated')
    .option('--events <n>', 'events to simulate', '200000')
    .option('--days <d>', 'days they span', '30')
    .option('--seed <s>', 'the same seed gives the same account', '1')
    .option('--scenarios <list>', 'attacks: all, none, or ids separated by commas', 'all')
    .option('--lake <dir>', 'a home that the folder was ingested into already')
    .option('--settings <file>', 'settings of detection, such as the detect.yaml of a home')
    .option('--rules <dir...>', 'further folders of rules')
    .option('--no-shipped', 'without the shipped rules')
    .option('--most <n>', 'findings a day on no attack, at medium or above, that are too many', MOST_A_DAY)
    .option('--warm-up <d>', 'days at the beginning whose findings on no attack do not count', '0')
    .option('--all', 'list rules that found nothing, too')
    .action(async (folder: string | undefined, flags: Flags) => {
      const { stoppable } = await import('../stoppable.ts')
      await stoppable(cli, (signal) => run(cli, folder, flags, signal))
    })
}

async function run(cli: CliContext, folder: string | undefined, flags: Flags, signal: AbortSignal): Promise<void> {
  const most = wholeNumber('--most', flags.most)
  const options = optionsOf(cli, folder, flags)
  const { evaluate } = await import('../../detect/evaluate/evaluate.ts')
  const { evaluationText, noiseOf } = await import('../evaluation-text.ts')
  const steps = new Map<string, Progress>()
  const stopAll = () => {
    for (const progress of steps.values()) progress.stop()
    steps.clear()
  }
  const onProgress = (step: string, done: number, total: number) => {
    if (!steps.has(step)) {
      stopAll()
      steps.set(step, cli.progress(step))
    }
    steps.get(step)?.update(done, total)
  }
  const evaluation = await evaluate({ ...options, onProgress, signal }).finally(stopAll)
  if (isPoor(evaluation, noiseOf(evaluation), most)) cli.exit(EXIT.findings)
  if (cli.json()) cli.out(`${JSON.stringify(evaluation)}\n`)
  else cli.out(evaluationText(evaluation, { most, all: flags.all === true }))
}

const isPoor = ({ scenarios }: Evaluation, noise: number, most: number): boolean =>
  scenarios.some(({ isDetected }) => !isDetected) || noise > most

function optionsOf(cli: CliContext, folder: string | undefined, flags: Flags): EvaluateOptions {
  if (folder === undefined && flags.lake !== undefined) {
    throw new AppError('BAD_ARGUMENT', '--lake is a home of a folder, and no folder is named.', {
      hint: 'Name the folder whose logs it holds: `bricktrail evaluate FOLDER --lake DIR`.',
    })
  }
  const simulated = {
    events: wholeNumber('--events', flags.events),
    days: wholeNumber('--days', flags.days),
    seed: wholeNumber('--seed', flags.seed),
    scenarios: scenariosOf(flags.scenarios),
  }
  const warmUpDays = wholeNumber('--warm-up', flags.warmUp)
  if (folder === undefined && warmUpDays >= simulated.days) {
    throw new AppError('BAD_ARGUMENT', `--warm-up ${warmUpDays} leaves none of ${simulated.days} days to count.`, {
      hint: 'Give more --days, or fewer to warm up.',
    })
  }
  return {
    logs: folder ?? simulated,
    ...(flags.lake === undefined ? {} : { lake: homeAt(flags.lake) }),
    pack: {
      shipped: flags.shipped,
      ...(flags.settings === undefined ? {} : { settingsFile: flags.settings }),
      ...(flags.rules === undefined ? {} : { folders: flags.rules }),
    },
    warmUpDays,
    examples: EXAMPLES,
    now: () => cli.now(),
  }
}
