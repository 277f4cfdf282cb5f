/** Batches of numbered records of `system.access.audit`, for tests of the Delta table. */
import type { Batch, Item } from '../contract.ts'
import { batchId } from '../outbox.ts'

/** Items of a numbered batch. */
export const BATCH_ITEMS = 20

/** A numbered record of 12 November 2026; three are of one second. */
export function auditItem(n: number, text = `words ${n}`): Item {
  const timeMs = Date.UTC(2026, 10, 12, 9) + Math.floor(n / 3) * 1000
  const record = {
    workspace_id: '42',
    event_time: new Date(timeMs).toISOString().replace('Z', '123Z'),
    event_date: '2026-11-12',
    user_identity: { email: 'ana@example.com', subject_name: null },
    service_name: 'unityCatalog',
    request_params: { text, n: String(n) },
    response: { status_code: 200, error_message: null, result: '{}' },
    event_id: `e-${n}`,
  }
  return { id: `e-${n}`, key: 'ana', timeMs, text: JSON.stringify(record) }
}

/** A batch of these items, sent for the first time. */
export const batchOf = (...items: readonly Item[]): Batch => ({
  id: batchId(
    'table',
    items.map(({ id }) => id),
  ),
  items,
  attempt: 1,
})

/** The batch of that number, the same each time. */
export const numberedBatch = (number: number): Batch =>
  batchOf(...Array.from({ length: BATCH_ITEMS }, (_, n) => auditItem(number * BATCH_ITEMS + n)))
