/** `bricktrail ingest SOURCE…`: what is new in the sources becomes events of the lake. */

import type { AlertsReport } from '../../alert/run.ts'
import { printable } from '../../core/printable.ts'
import type { DetectionReport } from '../../detect/job/home.ts'
import type { IngestReport } from '../../ingest/ingest.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { refuseDemoHome } from '../demo-home.ts'
import { alertsAfter, alertsText, detectionText, noteFollowed } from '../detection.ts'
import { noteAnchors } from '../sealing.ts'

/** Adds `ingest`. */
export const registerIngest: RegisterCommand = (program, cli) => {
  program
    .command('ingest')
    .description('take in audit logs: files, folders, globs, or - for standard input')
    .argument('<sources...>', 'file, folder, glob or -')
    .option('--form <form>', 'auto, delivery, azure, system-table or uam', 'auto')
    .option('--no-detect', 'leave the rules for a later `bricktrail detect`')
    .action(async (sources: string[], options: { form: string; detect: boolean }) => {
      refuseDemoHome(cli.home())
      const { ingest } = await import('../../ingest/ingest.ts')
      const { DetectAfterwards } = await import('../../detect/job/after-ingestion.ts')
      const detect = options.detect ? new DetectAfterwards(() => cli.now()) : undefined
      const progress = cli.progress('ingesting')
      try {
        const report = await ingest({
          home: cli.home(),
          specs: sources,
          form: options.form,
          stdin: cli.stdin,
          now: () => cli.now(),
          ...(detect === undefined ? {} : { afterwards: detect.afterwards }),
          onWait: () => cli.note('Another bricktrail process is writing to this home; waiting for it.'),
          onProgress: (done, total, note) => progress.update(done, total, note),
        })
        progress.stop()
        const found = detect?.followed !== undefined && 'report' in detect.followed ? detect.followed.report : undefined
        const alerts = await alertsAfter(cli, cli.home(), detect?.followed)
        const whole = {
          ...report,
          ...(found === undefined ? {} : { detection: found }),
          ...(alerts === undefined ? {} : { alerts }),
        }
        cli.out(cli.json() ? `${JSON.stringify(whole)}\n` : reportText(report, found, alerts))
        noteUnreadable(cli, report)
        noteFollowed(cli, detect?.followed)
        noteAnchors(cli, report.anchors)
      } finally {
        progress.stop()
      }
    })
}

/** Says which objects could not be read at all. */
export function noteUnreadable(cli: CliContext, { unreadable }: IngestReport): void {
  for (const { object, message } of unreadable) {
    cli.note(`warning: ${printable(object)} was passed by: ${printable(message)}`)
  }
}

/** The report for people. */
export function reportText(report: IngestReport, found?: DetectionReport, alerts?: AlertsReport): string {
  const number = (value: number) => Math.round(value).toLocaleString('en-US')
  const rows: [string, string][] = [
    [
      'objects',
      `${number(report.objects)} read, ${number(report.unchanged)} unchanged${report.skipped > 0 ? `, ${report.skipped} skipped` : ''}`,
    ],
    ['records', number(report.records)],
    ['events', number(report.events)],
    ['duplicates', number(report.duplicates)],
    ['rejects', `${number(report.rejects)}${report.rejects > 0 ? '   (see `bricktrail rejects`)' : ''}`],
    ['secrets', `${number(report.redactions)} redacted`],
    ['time', `${report.seconds.toFixed(1)} s, ${number(report.eventsPerSecond)} events/s`],
  ]
  const text = rows.map(([name, value]) => `${name.padEnd(12)}${value}\n`).join('')
  return `${text}${found === undefined ? '' : detectionText(found)}${alerts === undefined ? '' : alertsText(alerts)}`
}
