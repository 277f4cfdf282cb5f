/** Messages on their way out: what is told, where to, and that it is told there once. */
import type { AlertMessage } from '../deliver/message.ts'
import type { AlertsFile } from './alerts-file.ts'
import { fingerprint } from './identity.ts'

/** A message that waits to be put into the outbox. */
export interface Outgoing {
  readonly seq: number
  readonly destination: string
  readonly id: string
  readonly key: string
  readonly body: string
  readonly weight: number
}

/** Writes a message down for each destination. Its id follows from what it is: the first `opened` of an alert is always the same. */
export function send(
  file: AlertsFile,
  message: AlertMessage,
  { to, weight, nowMs }: { readonly to: readonly string[]; readonly weight: number; readonly nowMs: number },
): void {
  for (const destination of to) {
    const { action, dedupKey } = message
    file.run(
      `INSERT INTO tellings (destination, dedup_key, action, times) VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1`,
      destination,
      dedupKey,
      action,
    )
    const times =
      file.first<{ times: number }>(
        'SELECT times FROM tellings WHERE destination = ? AND dedup_key = ? AND action = ?',
        destination,
        dedupKey,
        action,
      )?.times ?? 1
    file.run(
      'INSERT INTO outgoing (destination, id, key, body, weight, at_ms) VALUES (?, ?, ?, ?, ?, ?)',
      destination,
      fingerprint(file, [destination, dedupKey, action, times], 32),
      dedupKey,
      JSON.stringify(message),
      weight,
      nowMs,
    )
  }
}

/** Takes note that a destination knows of alerts, so that it hears when they are acknowledged and resolved. */
export function noteTold(file: AlertsFile, to: readonly string[], dedupKey: string, alerts: readonly string[]): void {
  for (const destination of to)
    for (const alert of alerts)
      file.run(
        `INSERT INTO told (destination, dedup_key, alert_id) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET done = NULL`,
        destination,
        dedupKey,
        alert,
      )
}

/** Messages that wait to be put into the outbox, oldest first. */
export const outgoing = (file: AlertsFile, most: number): Outgoing[] =>
  file.all<Outgoing>('SELECT seq, destination, id, key, body, weight FROM outgoing ORDER BY seq LIMIT ?', most)

/** Forgets messages that the outbox has. */
export function forgetOutgoing(file: AlertsFile, upTo: number): void {
  file.run('DELETE FROM outgoing WHERE seq <= ?', upTo)
}

/** A destination that is to hear that all it was told of under one key is acknowledged, or resolved. */
export interface Finished {
  readonly destination: string
  readonly dedupKey: string
  readonly alerts: readonly string[]
}

/** Where an alert's end, or that somebody has it, is to be told. Of a group it is told once it is true for all. */
export function finished(file: AlertsFile, alert: string, what: 'acknowledged' | 'resolved'): Finished[] {
  const stillOpen = what === 'resolved' ? "coalesce(done, '') <> 'resolved'" : 'done IS NULL'
  const rows = file.all<{ destination: string; dedupKey: string }>(
    `SELECT destination, dedup_key AS dedupKey FROM told WHERE alert_id = ? AND ${stillOpen}`,
    alert,
  )
  file.run(`UPDATE told SET done = ? WHERE alert_id = ? AND ${stillOpen}`, what, alert)
  return rows.flatMap(({ destination, dedupKey }) => {
    const all = file.all<{ alert: string; isOpen: number }>(
      `SELECT alert_id AS alert, ${stillOpen} AS isOpen FROM told WHERE destination = ? AND dedup_key = ?`,
      destination,
      dedupKey,
    )
    return all.some(({ isOpen }) => isOpen === 1)
      ? []
      : [{ destination, dedupKey, alerts: all.map((each) => each.alert) }]
  })
}
