/** What a table of the lake is made of. */
import { type Column, EVENT_COLUMNS, REJECT_COLUMNS } from '../core/event.ts'
import { FINDING_COLUMNS } from '../core/finding.ts'

/** A table partitioned by the UTC day of its time column. */
export interface TableSpec {
  readonly name: string
  readonly columns: readonly Column[]
  /** A column of type `date`; it lives in paths and log, not in the data files. */
  readonly partitionColumn: string
  /** The `timestamp` column the partition is the day of; what file times are taken from. */
  readonly timeColumn?: string
  /** Top-level columns whose bounds go into the log; all of a plain type where absent. */
  readonly statsColumns?: readonly string[]
}

/** Bounds of random ids and free text skip nothing and would be most of the log, so the columns people filter by. */
const EVENT_STATS = [
  'event_time',
  'ingest_time',
  'source',
  'batch_id',
  'form',
  'account_id',
  'workspace_id',
  'audit_level',
  'service',
  'action',
  'category',
  'verb',
  'key_event',
  'source_ip',
  'client',
  'status',
  'status_code',
]

/** The events. */
export const EVENTS_TABLE: TableSpec = {
  name: 'events',
  columns: EVENT_COLUMNS,
  partitionColumn: 'event_date',
  timeColumn: 'event_time',
  statsColumns: EVENT_STATS,
}

/** The records that could not become events. */
export const REJECTS_TABLE: TableSpec = {
  name: 'rejects',
  columns: REJECT_COLUMNS,
  partitionColumn: 'reject_date',
  timeColumn: 'ingest_time',
  statsColumns: ['ingest_time', 'batch_id', 'source_object', 'form', 'reason', 'line', 'size_bytes'],
}

/** What the rules found. */
export const FINDINGS_TABLE: TableSpec = {
  name: 'findings',
  columns: FINDING_COLUMNS,
  partitionColumn: 'finding_date',
  timeColumn: 'first_time',
  statsColumns: [
    'finding_id',
    'rule_id',
    'level',
    'threat',
    'entity',
    'first_time',
    'last_time',
    'detected_time',
    'events',
    'revision',
  ],
}
