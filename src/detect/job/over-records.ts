/** Anybody's rules over anybody's logs: JSON files in, findings out. */

import type { Problem } from '../../core/yaml/place.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { loadPack } from '../pack/load.ts'
import { detectOver, FOUND } from './over.ts'
import type { LeftOut } from './pass.ts'
import { RECORDS, type ReadRecords, readRecords, recordShape } from './records.ts'

/** What to run over what. */
export interface RecordsOptions {
  readonly files: readonly string[]
  /** Folders or files of rules. */
  readonly rules: readonly string[]
  /** Files of processing pipelines. */
  readonly pipelines: readonly string[]
  readonly timeField?: string | undefined
}

/** What came of it. */
export interface RecordsReport extends ReadRecords {
  readonly rules: number
  /** Rows of findings, the gravest first. */
  readonly findings: readonly Record<string, unknown>[]
  readonly leftOut: readonly LeftOut[]
  readonly problems: readonly Problem[]
  readonly seconds: number
}

/**
 * Reads files and runs rules over them. A broken rule is a problem and stops no other.
 * @throws AppError NO_SOURCE, NO_RECORDS, UNREADABLE
 */
export async function detectRecords(engine: Engine, options: RecordsOptions): Promise<RecordsReport> {
  const started = performance.now()
  const { files, rules, pipelines, timeField } = options
  const pack = await loadPack({ folders: rules, pipelines, shipped: false, examples: false })
  const read = await readRecords(engine, files, timeField)
  const report = await detectOver(engine, pack, RECORDS, { shape: await recordShape(engine, pack.rules) })
  const findings = await engine.rows(`SELECT * EXCLUDE (evidence, revision, superseded_by, finding_date) FROM ${FOUND}
    ORDER BY list_position(['critical', 'high', 'medium', 'low', 'informational'], "level"), first_time, title, finding_id`)
  return {
    ...read,
    rules: pack.rules.length,
    findings,
    leftOut: report.leftOut,
    problems: [...pack.problems, ...report.problems],
    seconds: (performance.now() - started) / 1000,
  }
}
