/** The objects of a batch as a relation, for events to be joined with. */
import type { TextRow } from '../engine/duckdb.ts'
import type { Work } from './plan.ts'

/** Columns of {@link objectRows}. */
export const OBJECT_COLUMNS = ['file', 'source_object', 'path_workspace', 'object_time'] as const

/** One row an object. */
export const objectRows = (works: readonly Work[]): TextRow[] =>
  works.map(({ readPath, inspected: { object } }) => ({
    file: readPath,
    source_object: object.key,
    path_workspace: /workspaceId=([^/\\]+)/.exec(object.key)?.[1] ?? null,
    object_time: new Date(object.modifiedMs).toISOString(),
  }))

/** A table of those rows, typed as the event statement wants them. */
export const objectsSql = (table: string): string =>
  `(SELECT file, source_object, path_workspace, object_time::TIMESTAMPTZ AS object_time FROM ${table})`
