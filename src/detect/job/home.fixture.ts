/** A home with events and no ingestion, for tests of detection on it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Home, homeAt } from '../../core/home.ts'
import { Engine, type Row } from '../../engine/duckdb.ts'
import { scanSql } from '../../lake/read.ts'
import { FINDINGS_TABLE } from '../../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { writePartition } from '../../lake/write.ts'
import { type DetectionReport, HomeDetection, type HomeDetectionOptions, type RunOptions } from './home.ts'
import { eventTable, MANY_RULES, type PlainEvent, packOf } from './pack.fixture.ts'

/** The clock of these tests. */
export const TOLD = new Date('2026-12-01T00:00:00Z')

/** A home in a folder of its own. */
export class DetectBench {
  readonly engine: Engine
  readonly folder: string
  readonly home: Home
  #batches = 0

  private constructor(engine: Engine, folder: string) {
    this.engine = engine
    this.folder = folder
    this.home = homeAt(join(folder, 'home'))
  }

  static async open(): Promise<DetectBench> {
    return new DetectBench(await Engine.open({ threads: 2 }), await mkdtemp(join(tmpdir(), 'detect-')))
  }

  async close(): Promise<void> {
    this.engine.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  get events(): DeltaTable {
    return DeltaTable.at(this.home.events, EVENTS_TABLE)
  }

  get findings(): DeltaTable {
    return DeltaTable.at(this.home.findings, FINDINGS_TABLE)
  }

  /** Commits a batch of events. */
  async add(events: readonly PlainEvent[]): Promise<void> {
    this.#batches += 1
    const table = await eventTable(this.engine, 'incoming', events)
    const stem = `b${String(this.#batches).padStart(9, '0')}-0000abcd`
    const days = await this.engine.rows<{ day: string }>(
      `SELECT DISTINCT event_date::VARCHAR AS day FROM ${table} ORDER BY 1`,
    )
    const adds = []
    for (const { day } of days) {
      const select = `SELECT * REPLACE ('${stem}' AS batch_id) FROM ${table}`
      const file = await writePartition(this.engine, this.events, { select, partition: day, stem })
      if (file !== undefined) adds.push(file)
    }
    await this.events.commit({ adds, operation: 'WRITE' })
  }

  /** Runs detection once. */
  async detect(run: RunOptions = {}, options: Partial<HomeDetectionOptions> = {}): Promise<DetectionReport> {
    const detection = await HomeDetection.open({
      home: this.home,
      engine: this.engine,
      events: this.events,
      findings: this.findings,
      pack: { ...packOf(MANY_RULES), problems: [] },
      now: () => TOLD,
      ...options,
    })
    return detection.run(run)
  }

  /** SQL of the rows of the table, each revision. */
  async toldSql(): Promise<string> {
    return `SELECT * FROM ${scanSql(this.findings, (await this.findings.snapshot()).files)}`
  }

  /** Rows of the table, each revision. */
  async told(): Promise<Row[]> {
    return this.engine.rows(`${await this.toldSql()} ORDER BY finding_id, revision`)
  }

  /** Findings as they are in the end, without what depends on batches. */
  async standing(): Promise<Row[]> {
    const { files } = await this.findings.snapshot()
    return this.engine.rows(`SELECT * EXCLUDE (revision, detected_time, evidence) FROM (SELECT * FROM ${scanSql(this.findings, files)}
      QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY revision DESC) = 1) WHERE superseded_by IS NULL ORDER BY title, entity, first_time`)
  }
}
