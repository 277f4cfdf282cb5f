/** Names of objects that events are delivered in. */
import type { Batch } from './contract.ts'

/**
 * `PREFIX/date=2026-11-12/20261112T090000123Z-ID.ndjson.gz`: the day and time of the first event, and the id of the batch. The same batch
 * has the same name, whoever sends it and however often.
 */
export function objectName(prefix: string, { id, items }: Batch, extension = 'ndjson.gz'): string {
  const time = new Date(items[0]?.timeMs ?? 0).toISOString()
  const folder = prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`
  return `${folder}date=${time.slice(0, 10)}/${time.replace(/[-:.]/g, '')}-${id}.${extension}`
}
