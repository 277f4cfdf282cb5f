/** The shipped rules, baselines among them, on a simulated account that comes in day by day. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { Ingester } from '../../ingest/ingest.ts'
import { NOW, TakingBench } from '../../ingest/taking.fixture.ts'
import { scanSql } from '../../lake/read.ts'
import { FINDINGS_TABLE } from '../../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { SIMULATE_DEFAULTS, simulate } from '../../simulate/simulate.ts'
import { DetectAfterwards } from './after-ingestion.ts'
import { detectOver, FOUND } from './over.ts'
import { siteOf } from './site.ts'

it('find day by day what they find in one go', async () => {
  const bench = await TakingBench.open()
  const engine = await Engine.open({ threads: 2, tempDir: bench.home.tmp })
  try {
    const logs = join(bench.folder, 'logs')
    await simulate({
      ...SIMULATE_DEFAULTS,
      out: logs,
      events: 6000,
      days: 3,
      scenarios: 'all',
      form: 'delivery',
      gzip: true,
    })
    const paths = await readdir(logs, { recursive: true })
    const days = [...new Set(paths.flatMap((path) => /date=[\d-]+/.exec(path)?.[0] ?? []))].sort()
    const detect = new DetectAfterwards(() => NOW)
    const ingester = new Ingester({ home: bench.home, now: () => NOW, afterwards: detect.afterwards })
    for (const day of days) {
      const specs = paths.filter((path) => path.endsWith(day)).map((path) => join(logs, path))
      await ingester.ingest({ specs, form: 'auto', stdin: Readable.from([]) })
      expect(detect.followed).toMatchObject({ report: { leftOut: [], problems: [] } })
    }
    await ingester.close()
    const events = DeltaTable.at(bench.home.events, EVENTS_TABLE)
    await detectOver(engine, (await siteOf(bench.home)).pack, scanSql(events, (await events.snapshot()).files))
    const findings = DeltaTable.at(bench.home.findings, FINDINGS_TABLE)
    const told = `(SELECT * FROM (SELECT * FROM ${scanSql(findings, (await findings.snapshot()).files)}
      QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY revision DESC) = 1) WHERE superseded_by IS NULL)`
    const rowsOf = (relation: string) =>
      engine.rows(
        `SELECT finding_id, title, entity, events, first_time, last_time FROM ${relation} ORDER BY finding_id`,
      )
    const whole = await rowsOf(FOUND)
    expect(whole.length).toBeGreaterThan(50)
    expect(await rowsOf(told)).toEqual(whole)
  } finally {
    engine.close()
    await bench.close()
  }
}, 180_000)
