/** `bricktrail simulate`: writes the logs of a made-up account. */
import { AppError } from '../../core/errors.ts'
import type { FormName } from '../../simulate/forms/contract.ts'
import { SIMULATE_DEFAULTS } from '../../simulate/options.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { wholeNumber } from '../numbers.ts'
import { refuseOutInHome } from '../out-path.ts'

interface Flags {
  readonly out: string
  readonly events: string
  readonly days: string
  readonly seed: string
  readonly form: string
  readonly gzip?: boolean
  readonly scenarios: string
  readonly start: string
}

const FORM_NAMES: readonly FormName[] = ['delivery', 'azure', 'system-table']

/** Adds `simulate`. */
export const registerSimulate: RegisterCommand = (program, cli) => {
  program
    .command('simulate')
    .description('write the audit logs of a made-up Databricks account, with labelled attacks')
    .requiredOption('--out <dir>', 'folder to write; an earlier simulation in it is replaced')
    .option('--events <n>', 'number of events, exactly', String(SIMULATE_DEFAULTS.events))
    .option('--days <d>', 'days they spread over; few events may fill fewer', String(SIMULATE_DEFAULTS.days))
    .option('--seed <s>', 'whole number; the same seed gives the same bytes', String(SIMULATE_DEFAULTS.seed))
    .option('--form <form>', FORM_NAMES.join(', '), 'delivery')
    .option('--gzip', 'compress the files')
    .option('--scenarios <list>', 'all, none, or ids separated by commas', 'all')
    .option('--start <day>', 'first day, yyyy-mm-dd', SIMULATE_DEFAULTS.startDate)
    .action((flags: Flags) => run(flags, cli))
}

async function run(flags: Flags, cli: CliContext): Promise<void> {
  await refuseOutInHome(cli, flags.out)
  const options = {
    out: flags.out,
    events: wholeNumber('--events', flags.events),
    days: wholeNumber('--days', flags.days),
    seed: wholeNumber('--seed', flags.seed),
    form: formOf(flags.form),
    gzip: flags.gzip === true,
    scenarios: scenariosOf(flags.scenarios),
    startDate: flags.start,
  }
  const { simulate } = await import('../../simulate/simulate.ts')
  const progress = cli.progress('simulate')
  try {
    const report = await simulate({ ...options, onProgress: (done, total) => progress.update(done, total) })
    progress.stop()
    if (cli.json()) {
      cli.out(`${JSON.stringify(report)}\n`)
      return
    }
    const count = (n: number) => n.toLocaleString('en-US')
    cli.out(
      `${count(report.events)} events in ${count(report.files)} files, ${count(report.bytes)} bytes, ${report.seconds.toFixed(1)} s\n` +
        `logs    ${flags.out}\nlabels  ${report.labels} (${count(report.scenarios)} attack scenarios)\n`,
    )
  } finally {
    progress.stop()
  }
}

function formOf(text: string): FormName {
  const form = FORM_NAMES.find((name) => name === text)
  if (form !== undefined) return form
  throw new AppError('BAD_ARGUMENT', `There is no form "${text}".`, { hint: `Pass --form ${FORM_NAMES.join(', ')}.` })
}

/** `--scenarios`: all, none, or a list of ids. */
export const scenariosOf = (text: string): 'all' | 'none' | readonly string[] =>
  text === 'all' || text === 'none' ? text : text.split(',').map((id) => id.trim())
