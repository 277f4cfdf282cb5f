/** Messages for tests. */
import type { AlertMessage } from './message.ts'
import type { NewMessage } from './outbox.ts'

/** A message about an alert. */
export const anAlert = (more: Partial<AlertMessage> = {}): AlertMessage => ({
  action: 'opened',
  alertId: 'a-1',
  dedupKey: 'rule-1 ana@example.com',
  title: 'Account admin granted',
  summary: 'ana@example.com made bob@example.com an account admin.',
  level: 'high',
  status: 'new',
  rule: { id: '5f1c0b3e-0000-4000-8000-000000000001', title: 'Account admin granted' },
  entity: { field: 'actor.email', value: 'ana@example.com' },
  threat: 'privilege-escalation',
  tags: ['attack.t1098.003'],
  firstTime: '2026-11-12T09:00:00.000Z',
  lastTime: '2026-11-12T09:05:00.000Z',
  sentTime: '2026-11-12T09:06:00.000Z',
  events: 2,
  findings: ['f-1'],
  because: ['actionName is setAccountAdmin'],
  runbook: [{ title: 'What else this person did', sql: 'SELECT 1' }],
  ...more,
})

/** A message for a destination; `n` makes its id. */
export const aMessage = (
  destination: string,
  n: number,
  key: string,
  more: Partial<AlertMessage> = {},
): NewMessage => ({
  destination,
  id: `m-${n}`,
  key,
  body: JSON.stringify(anAlert({ alertId: key, note: String(n), ...more })),
  weight: 3,
})
