/**
 * Passes over what rules missed because they were left out: they alone see those events, as if these came late. Findings are told once,
 * by the number of the attempt.
 */
import type { Engine } from '../../engine/duckdb.ts'
import type { DataFile } from '../../lake/snapshot.ts'
import type { DeltaTable } from '../../lake/table.ts'
import { keepFindings, type LeafLookup } from './keep.ts'
import { type Added, addedBetween, addedRows } from './lake-changes.ts'
import {
  MISSED_APP,
  type Missed,
  numberAttempt,
  settleMissed,
  stillMissed,
  type VersionRange,
  writeMissed,
} from './missed.ts'
import type { Detector, LeftOut, PassReport } from './pass.ts'

/** What {@link makeUp} works with; the state is attached. */
export interface MakeUpContext {
  readonly engine: Engine
  readonly events: DeltaTable
  readonly findings: DeltaTable
  readonly detector: Detector
  readonly now: () => Date
  readonly leavesOf?: LeafLookup
  readonly asOf: Date
  /** The pass that was the last. */
  readonly pass: number
}

type Report = Pick<PassReport, 'findings' | 'leftOut'>

/** Files with the events of some versions; undefined where the lake does not tell any more which they are. */
export async function filesMissed(
  events: DeltaTable,
  ranges: readonly VersionRange[],
): Promise<readonly DataFile[] | undefined> {
  const added: Added[] = []
  for (const { firstVersion, lastVersion } of ranges) {
    const some = await addedBetween(events, firstVersion - 1, lastVersion)
    if (some === undefined) return undefined
    added.push(...some)
  }
  return added.flatMap(({ files }) => files)
}

/** Lets rules that were left out see what they missed; one that fails again is not tried a second time in this run. */
export async function makeUp(context: MakeUpContext): Promise<readonly Report[]> {
  const { engine, detector } = context
  const versions = new Map(detector.programme.rules.map(({ of }) => [of.key, of.version]))
  const failed = new Set<string>()
  const reports: Report[] = []
  for (const missed of await stillMissed(engine, versions)) {
    const rules = missed.rules.filter((key) => !failed.has(key))
    if (rules.length === 0) continue
    const report = await seen(context, { ...missed, rules }, versions)
    reports.push(report)
    for (const { key } of report.leftOut) failed.add(key)
  }
  return reports
}

async function seen(context: MakeUpContext, missed: Missed, versions: ReadonlyMap<string, string>): Promise<Report> {
  const { engine, events, findings, detector, leavesOf, now, asOf, pass } = context
  const files = await filesMissed(events, [missed])
  if (files === undefined || files.length === 0) {
    await settleMissed(engine, missed, [], versions)
    return { findings: 0, leftOut: files === undefined ? missed.rules.map((key) => untold(detector, key, missed)) : [] }
  }
  const told = (await findings.snapshot()).txnVersion(MISSED_APP) ?? 0
  const attempt = await numberAttempt(engine, missed, told)
  let givenUp: readonly string[] = []
  const report = await detector.pass(await addedRows(events, files), {
    now: now(),
    asOf,
    pass,
    only: new Set(missed.rules),
    settle: async (found, leftOut) => {
      if (found > 0) await keepFindings(engine, findings, { appId: MISSED_APP, version: attempt }, leavesOf)
      const isOwn = ({ key }: LeftOut): boolean => missed.rules.includes(key)
      const again = leftOut.filter(isOwn).map(({ key }) => key)
      givenUp = await settleMissed(engine, missed, again, versions)
      const others = leftOut.filter((each) => !isOwn(each))
      await writeMissed(engine, others, missed)
    },
  })
  const leftOut = report.leftOut.map((each) =>
    givenUp.includes(each.key) ? { ...each, message: `${each.message} ${insteadOf(missed)}` } : each,
  )
  return { findings: report.findings, leftOut }
}

const insteadOf = ({ firstVersion, lastVersion }: VersionRange): string =>
  `It is not tried again on versions ${firstVersion} to ${lastVersion} of the events until its text changes; \`bricktrail rules backtest\` shows what it finds there.`

const untold = (detector: Detector, key: string, { firstVersion, lastVersion }: VersionRange): LeftOut => ({
  key,
  title: detector.programme.rules.find(({ of }) => of.key === key)?.of.rule.meta.title ?? '',
  version: '',
  reason: 'failed',
  message: `It missed versions ${firstVersion} to ${lastVersion} of the events, and the lake does not tell any more which these were.`,
})
