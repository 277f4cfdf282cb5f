/** `bricktrail rules lint`. */
import { resolve } from 'node:path'
import { EXIT } from '../../core/errors.ts'
import { jsonText, printable } from '../../core/printable.ts'
import type { Problem } from '../../core/yaml/place.ts'
import { loadPack } from '../../detect/pack/load.ts'
import { type LintReport, lintPack } from '../../detect/review/lint.ts'
import type { CliContext } from '../contract.ts'
import { isUnder, plural, settingsFileOf, shownFile } from './pack.ts'

/** Flags of `rules lint`. */
export interface LintFlags {
  readonly strict?: boolean
}

/** Looks through the files named, or those of all rules in force. Ends with 1 where there are errors. */
export async function lintRules(cli: CliContext, paths: readonly string[], flags: LintFlags): Promise<void> {
  // Those named may count shipped ones and those of the settings.
  const pack = await loadPack({
    settingsFile: settingsFileOf(cli.home()),
    examples: false,
    ...(paths.length === 0 ? {} : { folders: paths.map((path) => resolve(path)) }),
  })
  const report = await lintPack(pack, paths.length === 0 ? undefined : isUnder(paths))
  const errors = report.problems.filter(({ severity }) => severity === 'error').length
  const warnings = report.problems.length - errors
  if (errors > 0 || (flags.strict === true && warnings > 0)) cli.exit(EXIT.findings)
  if (cli.json()) return cli.out(`${jsonText(reportObject(report, errors, warnings))}\n`)
  for (const problem of report.problems) cli.out(problemLines(problem))
  const said = `${plural(report.rules, 'rule')} in ${plural(report.files, 'file')}: ${plural(errors, 'error')}, ${plural(warnings, 'warning')}.`
  cli.note(said)
}

const problemLines = ({ severity, message, hint, place }: Problem): string =>
  `${shownFile(place.file)}:${place.line}:${place.column}: ${severity}: ${printable(message)}\n${hint === '' ? '' : `  ${printable(hint)}\n`}`

const reportObject = ({ files, rules, problems }: LintReport, errors: number, warnings: number) => ({
  files,
  rules,
  errors,
  warnings,
  problems: problems.map(({ place: { file, line, column }, severity, message, hint }) => ({
    file: shownFile(file),
    line,
    column,
    severity,
    message,
    hint,
  })),
})
