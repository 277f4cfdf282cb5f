/** Findings of the lake that are new to the alerts, with who and what their events were about. */
import type { Home } from '../core/home.ts'
import { addedBetween } from '../detect/job/lake-changes.ts'
import type { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { scanSql } from '../lake/read.ts'
import type { DataFile, Snapshot } from '../lake/snapshot.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE, keyOf } from '../lake/table.ts'

/** A finding as alerts need it. */
export interface FindingRow {
  readonly id: string
  readonly revision: number
  readonly ruleId: string
  readonly ruleName: string
  readonly title: string
  readonly level: string
  readonly threat: string | null
  readonly tags: readonly string[]
  readonly entity: string
  readonly entityField: string
  readonly firstMs: number
  readonly lastMs: number
  readonly events: number
  readonly summary: string
  readonly because: readonly string[]
  readonly supersededBy: string | null
  readonly workspaces: readonly string[]
  readonly actors: readonly string[]
  readonly assets: readonly string[]
}

/** Findings held in memory at once. */
const PAGE = 2000

/** More different values than this say nothing about a finding. */
const MOST_VALUES = 8

/** Targets that are people and not things. */
const PRINCIPALS = ['user', 'group', 'service_principal', 'principal']

const FOUND = 'temp.alert_found'
const ABOUT = 'temp.alert_about'

/** New findings, up to a version of the table, in pages. */
export interface NewFindings {
  readonly version: number
  readonly findings: number
  /** Of each finding its newest revision among the new ones. Read once, before anything else is run on the engine. */
  pages(): AsyncIterable<readonly FindingRow[]>
}

/** The version that `findings` has now; -1 for none. */
export async function findingsVersion(home: Pick<Home, 'findings'>): Promise<number> {
  return (await DeltaTable.at(home.findings, FINDINGS_TABLE).snapshot()).version
}

/** What came to `findings` after a version. A table that was put back or has lost its log is read from the start: that changes nothing. */
export async function newFindings(
  home: Pick<Home, 'findings' | 'events'>,
  engine: Engine,
  after: number,
): Promise<NewFindings> {
  const table = DeltaTable.at(home.findings, FINDINGS_TABLE)
  const snapshot = await table.snapshot()
  const files = await addedFiles(table, snapshot, after)
  await engine.run(`CREATE OR REPLACE TEMP TABLE alert_found AS SELECT * FROM ${scanSql(table, files)}
    QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY revision DESC) = 1`)
  const { n } = await engine.row<{ n: string }>(`SELECT count(*) AS n FROM ${FOUND}`)
  if (n !== '0') await gatherAbout(home, engine)
  return {
    version: snapshot.version,
    findings: Number(n),
    async *pages() {
      if (n === '0') return
      let last = ''
      for (;;) {
        const rows = await engine.rows(pageSql(last))
        if (rows.length === 0) break
        const page = rows.map((row) => rowOf(row as unknown as RawRow))
        last = page.at(-1)?.id ?? last
        yield page
      }
      await engine.run(`DROP TABLE ${FOUND}; DROP TABLE ${ABOUT}`)
    },
  }
}

async function addedFiles(table: DeltaTable, snapshot: Snapshot, after: number): Promise<readonly DataFile[]> {
  if (after < 0 || after > snapshot.version) return snapshot.files
  const added = await addedBetween(table, after, snapshot.version)
  if (added === undefined) return snapshot.files
  const there = new Map(snapshot.files.map((file) => [file.path, file]))
  const files = added.flatMap((each) => each.files)
  // What was merged since is somewhere in the table; what is known of it is passed over by its revision.
  return files.every(({ path }) => there.has(path)) ? files : snapshot.files
}

/** Workspaces, actors and targets of the events that findings name. */
async function gatherAbout(home: Pick<Home, 'events'>, engine: Engine): Promise<void> {
  const events = DeltaTable.at(home.events, EVENTS_TABLE)
  const { files: all } = await events.snapshot()
  const named = await engine.rows<{ file: string | null }>(
    `SELECT DISTINCT unnest(evidence).file AS file FROM ${FOUND}`,
  )
  const wanted = new Set(named.flatMap(({ file }) => file ?? []))
  const there = new Set(all.map(keyOf))
  // Files that were merged since: what they hold is in another of their day.
  const days = new Set([...wanted].filter((key) => !there.has(key)).map((key) => /=([^/]+)\//.exec(key)?.[1]))
  const files = all.filter((file) => wanted.has(keyOf(file)) || days.has(file.partition))
  const distinct = (value: string) => `list_sort(list_distinct(list(${value}) FILTER (WHERE ${value} IS NOT NULL)))`
  const actor = `CASE WHEN e.actor.type IS DISTINCT FROM 'system' THEN lower(coalesce(e.actor.email, e.actor.id, e.actor.name)) END`
  const targets = `list_transform(list_filter(e.targets, lambda t: coalesce(t.name, t.id) IS NOT NULL AND coalesce(t.type, '') NOT IN (${PRINCIPALS.map(lit).join(', ')})),
    lambda t: coalesce(t.type, 'object') || ':' || coalesce(t.name, t.id))`
  await engine.run(`CREATE OR REPLACE TEMP TABLE alert_about AS
    WITH named AS (SELECT finding_id, unnest(event_ids) AS event_id FROM ${FOUND}),
    happened AS (SELECT event_id, workspace_id, actor, targets FROM ${scanSql(events, files)}
      WHERE event_id IN (SELECT event_id FROM named))
    SELECT n.finding_id, ${distinct('e.workspace_id')} AS workspaces, ${distinct(actor)} AS actors,
      list_sort(list_distinct(flatten(list(coalesce(${targets}, []))))) AS assets
    FROM named n JOIN happened e ON e.event_id = n.event_id GROUP BY n.finding_id`)
}

const pageSql = (after: string): string => `
  SELECT f.finding_id AS id, f.revision, f.rule_id, coalesce(f.rule_name, '') AS rule_name, f.title, f.level, f.threat, f.tags, coalesce(f.entity, '') AS entity,
    coalesce(f.entity_field, '') AS entity_field, epoch_ms(f.first_time) AS first_ms, epoch_ms(f.last_time) AS last_ms, f.events,
    coalesce(f.summary, f.title) AS summary, f.superseded_by, list_transform(f.explanation, lambda x: concat_ws(' ', nullif(x.selection, '') || ':', x.field, '=', x."value")) AS because,
    a.workspaces, a.actors, a.assets
  FROM ${FOUND} f LEFT JOIN ${ABOUT} a ON a.finding_id = f.finding_id
  WHERE f.finding_id > ${lit(after)} ORDER BY f.finding_id LIMIT ${PAGE}`

interface RawRow {
  readonly id: string
  readonly revision: number
  readonly rule_id: string
  readonly rule_name: string
  readonly title: string
  readonly level: string
  readonly threat: string | null
  readonly tags: readonly string[] | null
  readonly entity: string
  readonly entity_field: string
  readonly first_ms: string
  readonly last_ms: string
  readonly events: string
  readonly summary: string
  readonly superseded_by: string | null
  readonly because: readonly string[] | null
  readonly workspaces: readonly string[] | null
  readonly actors: readonly string[] | null
  readonly assets: readonly string[] | null
}

/** Lines of reasons that help; a rule of many conditions has more. */
const MOST_REASONS = 12

const rowOf = (row: RawRow): FindingRow => ({
  id: row.id,
  revision: row.revision,
  ruleId: row.rule_id,
  ruleName: row.rule_name,
  title: row.title,
  level: row.level,
  threat: row.threat,
  tags: row.tags ?? [],
  entity: row.entity,
  entityField: row.entity_field,
  firstMs: Number(row.first_ms),
  lastMs: Number(row.last_ms),
  events: Number(row.events),
  summary: row.summary,
  because: (row.because ?? []).slice(0, MOST_REASONS),
  supersededBy: row.superseded_by,
  workspaces: few(row.workspaces),
  actors: few(row.actors),
  assets: few(row.assets),
})

const few = (values: readonly string[] | null): readonly string[] =>
  values === null || values.length > MOST_VALUES ? [] : values
