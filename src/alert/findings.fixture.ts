/** Findings for tests of alerts: as rows, and as a lake that has them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FINDING_COLUMNS } from '../core/finding.ts'
import { type Home, homeAt } from '../core/home.ts'
import type { AlertMessage } from '../deliver/message.ts'
import { Outbox } from '../deliver/outbox.ts'
import { Engine } from '../engine/duckdb.ts'
import { ident, lit, litList, litOrNull } from '../engine/sql.ts'
import { duckdbType } from '../engine/types.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { DeltaTable } from '../lake/table.ts'
import { writePartition } from '../lake/write.ts'
import { AlertsFile } from './alerts-file.ts'
import type { FindingRow } from './finding-feed.ts'
import { type AlertsReport, runAlerts } from './run.ts'

/** The clock of these tests starts here. */
export const NOON = new Date('2026-11-12T12:00:00Z')

/** Minutes after {@link NOON}. */
export const later = (minutes: number): Date => new Date(NOON.getTime() + minutes * 60_000)

/** A finding of one event, half an hour before noon. */
export const aFinding = (id: string, more: Partial<FindingRow> = {}): FindingRow => ({
  id,
  revision: 1,
  ruleId: 'rule-1',
  ruleName: 'admin-granted',
  title: 'Account admin granted',
  level: 'high',
  threat: 'privilege-escalation',
  tags: ['attack.privilege-escalation', 'attack.t1098.003'],
  entity: 'ana@example.com',
  entityField: 'actor.email',
  firstMs: NOON.getTime() - 1_800_000,
  lastMs: NOON.getTime() - 1_800_000,
  events: 1,
  summary: `${more.entity ?? 'ana@example.com'} did it.`,
  because: ['action = setAccountAdmin'],
  supersededBy: null,
  workspaces: [],
  actors: [],
  assets: [],
  ...more,
})

const timeSql = (ms: number): string => `TIMESTAMPTZ ${lit(new Date(ms).toISOString())}`

/** A finding with where its events are. */
export interface Placed extends FindingRow {
  readonly eventIds?: readonly string[]
  /** Key of the file of `events` that they are in. */
  readonly file?: string
}

const columnsOf = (row: Placed): Readonly<Record<string, string>> => ({
  finding_id: lit(row.id),
  finding_date: `${timeSql(row.firstMs)}::DATE`,
  revision: String(row.revision),
  rule_id: lit(row.ruleId),
  rule_name: lit(row.ruleName),
  rule_kind: "'detection'",
  title: lit(row.title),
  level: lit(row.level),
  threat: litOrNull(row.threat),
  tags: litList(row.tags),
  entity: lit(row.entity),
  entity_field: lit(row.entityField),
  first_time: timeSql(row.firstMs),
  last_time: timeSql(row.lastMs),
  detected_time: timeSql(row.lastMs),
  events: String(row.events),
  event_ids: litList(row.eventIds ?? []),
  evidence: `list_transform(${litList(row.eventIds ?? [])}, lambda id: {'event_id': id, 'file': ${litOrNull(row.file)}, 'leaf': NULL::BIGINT})`,
  summary: lit(row.summary),
  explanation: "[{'selection': 'selection', 'field': 'action', 'value': 'setAccountAdmin'}]",
  superseded_by: litOrNull(row.supersededBy),
})

const selectOf = (row: Placed): string => {
  const columns = columnsOf(row)
  const list = FINDING_COLUMNS.map(
    ({ name, type }) => `(${columns[name] ?? 'NULL'})::${duckdbType(type)} AS ${ident(name)}`,
  )
  return `SELECT ${list.join(', ')}`
}

/** A home with findings and no detection. Workspaces, actors and assets are those of the events of a finding, not of its row. */
export class AlertBench {
  readonly engine: Engine
  readonly folder: string
  readonly home: Home
  #commits = 0

  private constructor(engine: Engine, folder: string) {
    this.engine = engine
    this.folder = folder
    this.home = homeAt(join(folder, 'home'))
  }

  static async open(): Promise<AlertBench> {
    const bench = new AlertBench(await Engine.open({ threads: 1 }), await mkdtemp(join(tmpdir(), 'alerts-')))
    await bench.file('deliver.yaml', DESTINATIONS)
    // Two homes with the same findings have the same alerts.
    await bench.file('alerts.key', `${'5e'.repeat(32)}\n`)
    return bench
  }

  async close(): Promise<void> {
    this.engine.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Writes a file of the home. */
  async file(name: string, text: string): Promise<void> {
    const { mkdir } = await import('node:fs/promises')
    await mkdir(this.home.root, { recursive: true })
    await writeFile(join(this.home.root, name), text)
  }

  /** Commits findings, as detection does. */
  async found(...rows: readonly Placed[]): Promise<void> {
    await this.#commit(rows.map(selectOf).join(' UNION ALL '), rows)
  }

  /** Commits many findings that differ in their ids, and in their entities, of which there are `people`. */
  async foundMany(count: number, people: number): Promise<void> {
    const row = aFinding('one')
    const select = `SELECT * REPLACE (md5(n::VARCHAR) AS finding_id, 'person' || (n % ${people}) AS entity) FROM (${selectOf(row)}), range(${count}) numbers(n)`
    await this.#commit(`SELECT * EXCLUDE (n) FROM (${select})`, [row])
  }

  async #commit(select: string, rows: readonly Placed[]): Promise<void> {
    this.#commits += 1
    const table = DeltaTable.at(this.home.findings, FINDINGS_TABLE)
    const days = [...new Set(rows.map(({ firstMs }) => new Date(firstMs).toISOString().slice(0, 10)))]
    const adds = []
    for (const day of days) {
      const stem = `f${String(this.#commits).padStart(8, '0')}`
      const add = await writePartition(this.engine, table, { select, partition: day, stem })
      if (add !== undefined) adds.push(add)
    }
    await table.commit({ adds, operation: 'WRITE' })
  }

  /** Runs alerts once. */
  run(now: Date = NOON): Promise<AlertsReport> {
    return runAlerts(this.home, { now, engine: this.engine, rules: [] })
  }

  /** Looks into `alerts.db`. */
  look<T>(work: (file: AlertsFile) => T): T {
    const file = AlertsFile.open(this.home.alerts)
    try {
      return work(file)
    } finally {
      file.close()
    }
  }

  /** Messages to a destination since the last time this was asked, which are then delivered. */
  told(destination: string): AlertMessage[] {
    const outbox = Outbox.open(this.home.outbox)
    try {
      const messages: AlertMessage[] = []
      const late = Number.MAX_SAFE_INTEGER
      for (let due = outbox.due(destination, late, 1000); due.length > 0; due = outbox.due(destination, late, 1000)) {
        messages.push(...due.map(({ body }) => JSON.parse(body) as AlertMessage))
        outbox.delivered(
          destination,
          due.map(({ seq }) => seq),
          0,
        )
      }
      return messages
    } finally {
      outbox.close()
    }
  }
}

const DESTINATIONS = `
destinations:
  mail: { kind: file, path: mail.ndjson }
  pager: { kind: file, path: pager.ndjson }
  lake: { kind: event-file, path: events.ndjson, format: uam }
`
