/** What commands say of a detection run, and of the alerts that follow. */
import type { AlertsReport } from '../alert/run.ts'
import { isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { printable } from '../core/printable.ts'
import type { Problem } from '../core/yaml/place.ts'
import type { Followed } from '../detect/job/after-ingestion.ts'
import type { DetectionReport } from '../detect/job/home.ts'
import type { CliContext } from './contract.ts'

/** So many faults of rule files are worth reading at once. */
const PROBLEMS_SHOWN = 10

/** The lines of a report. */
export function detectionText({ rules, findings, seconds, events, rebuilt }: DetectionReport): string {
  const number = (value: number) => value.toLocaleString('en-US')
  const why = rebuilt === undefined ? '' : `, state made anew (${rebuilt})`
  const told = findings === 0 ? 'none' : `${number(findings)} new or grown   (see \`bricktrail findings\`)`
  return `findings    ${told}\ndetection   ${number(rules)} rules over ${number(events)} events in ${seconds.toFixed(1)} s${why}\n`
}

/** Says which rules did not run, and what is wrong with rule files. */
export function noteDetection(
  cli: CliContext,
  { leftOut, problems }: Pick<DetectionReport, 'leftOut' | 'problems'>,
): void {
  for (const { title, key, reason, message } of leftOut) {
    cli.note(
      `warning: the rule ${printable(title)} (${printable(key)}) ${reason === 'failed' ? 'failed' : 'was too slow'}: ${printable(message)}`,
    )
  }
  const errors = problems.filter(({ severity }) => severity === 'error')
  for (const problem of errors.slice(0, PROBLEMS_SHOWN)) cli.note(printable(problemLine(problem)))
  if (errors.length > PROBLEMS_SHOWN)
    cli.note(`… and ${errors.length - PROBLEMS_SHOWN} more; see \`bricktrail rules lint\`.`)
}

const problemLine = ({ severity, message, hint, place: { file, line, column } }: Problem): string =>
  `${file}:${line}:${column}: ${severity}: ${message} ${hint}`.trimEnd()

/** As {@link noteDetection}; where detection failed as a whole, why: what was ingested stays, and the next run makes up for it. */
export function noteFollowed(cli: CliContext, followed: Followed | undefined): void {
  if (followed === undefined) return
  if ('report' in followed) {
    noteDetection(cli, followed.report)
    return
  }
  const { message, hint } = followed.error
  cli.note(
    `warning: detection failed, and the next ingestion or \`bricktrail detect\` makes up for it: ${printable(message)} ${printable(hint)}`,
  )
}

/**
 * Makes alerts of what was found. Where that fails, such as for settings that cannot be used, it is said: the findings stay, and the next run
 * makes up for it.
 */
export async function alertsAfter(
  cli: CliContext,
  home: Home,
  followed: Followed | undefined,
): Promise<AlertsReport | undefined> {
  if (followed === undefined || 'error' in followed) return undefined
  const { runAlerts } = await import('../alert/run.ts')
  try {
    const report = await runAlerts(home, { now: cli.now() })
    noteSetAside(cli, report)
    return report
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    const again = 'the next ingestion or `bricktrail alerts run` makes up for it'
    cli.note(`warning: no alerts were made, and ${again}: ${printable(cause.message)} ${printable(cause.hint)}`)
    return undefined
  }
}

/** The line of a report of alerts. */
export function alertsText({ opened, reopened, updated, incidents, history, messages }: AlertsReport): string {
  const number = (value: number) => value.toLocaleString('en-US')
  const parts = [
    opened > 0 ? `${number(opened)} opened` : undefined,
    reopened > 0 ? `${number(reopened)} reopened` : undefined,
    updated > 0 ? `${number(updated)} with more evidence` : undefined,
    incidents > 0 ? `${number(incidents)} incidents` : undefined,
    history > 0 ? `${number(history)} of them on old evidence, told to nobody` : undefined,
    messages > 0 ? `${number(messages)} messages to deliver` : undefined,
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? '' : `alerts      ${parts.join(', ')}   (see \`bricktrail alerts\`)\n`
}

/** Says that messages were set aside for want of room. */
export function noteSetAside(cli: CliContext, { setAside }: AlertsReport): void {
  if (setAside === 0) return
  cli.note(
    `warning: ${setAside.toLocaleString('en-US')} messages of the least level were set aside, as more waited than most_waiting of deliver.yaml; \`bricktrail deliver dead\` lists them, \`bricktrail deliver status\` says what holds the others up.`,
  )
}
