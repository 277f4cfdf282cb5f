/** `bricktrail simulate`: writes the logs of a made-up account. */
import type { RegisterCommand } from '../contract.ts'

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

/** Adds `simulate`. */
export const registerSimulate: RegisterCommand = (program, cli) => {
  program
    .command('simulate')
    .description('write the audit logs of a made-up Databricks account, with labelled attacks')
    .requiredOption('--out <dir>', 'folder to write; an earlier simulation in it is replaced')
    .option('--events <n>', 'number of events, exactly', '200000')
    .option('--days <d>', 'days they spread over', '7')
    .option('--seed <s>', 'whole number; the same seed gives the same bytes', '1')
    .option('--form <form>', 'delivery, azure or system-table', 'delivery')
    .option('--gzip', 'compress the files')
    .option('--scenarios <list>', 'all, none, or ids separated by commas', 'all')
    .option('--start <day>', 'first day, yyyy-mm-dd', '2026-11-09')
    .action(async (flags: Flags) => {
      const { AppError } = await import('../../core/errors.ts')
      const { simulate } = await import('../../simulate/simulate.ts')
      const { FORMS } = await import('../../simulate/forms/registry.ts')
      if (!Object.hasOwn(FORMS, flags.form)) {
        throw new AppError('BAD_ARGUMENT', `There is no form "${flags.form}".`, {
          hint: `Pass --form ${Object.keys(FORMS).join(', ')}.`,
        })
      }
      const progress = cli.progress('simulate')
      try {
        const report = await simulate({
          out: flags.out,
          events: Number(flags.events),
          days: Number(flags.days),
          seed: Number(flags.seed),
          form: flags.form as keyof typeof FORMS,
          gzip: flags.gzip === true,
          scenarios: scenariosOf(flags.scenarios),
          startDate: flags.start,
          onProgress: (done, total) => progress.update(done, total),
        })
        progress.stop()
        if (cli.json()) {
          cli.out(`${JSON.stringify(report)}\n`)
          return
        }
        const count = (n: number) => n.toLocaleString('en-US')
        cli.out(
          `${count(report.events)} events in ${count(report.files)} files, ${count(report.bytes)} bytes, ` +
            `${report.seconds.toFixed(1)} s\nlogs   ${flags.out}\nlabels ${report.labels}\n`,
        )
      } finally {
        progress.stop()
      }
    })
}

const scenariosOf = (text: string): 'all' | 'none' | readonly string[] =>
  text === 'all' || text === 'none' ? text : text.split(',').map((id) => id.trim())
