/** Where an alert stands, as a word with a tone. */
import type { AlertRow } from '../../../../src/serve/shapes/alerts.ts'
import { Plain } from '../../parts/plain.tsx'

const TONES: Readonly<Record<string, string>> = {
  new: 'medium',
  reopened: 'medium',
  acknowledged: 'accent',
  'in progress': 'accent',
  resolved: 'good',
}

/** The state of an alert, and its outcome where it is resolved. A dot, not a badge: badges are levels. */
export const StateTag = ({ alert }: { readonly alert: Pick<AlertRow, 'state' | 'status'> }) => (
  <span className={`status alert-state tone-${TONES[alert.state] ?? 'informational'}`}>
    <Plain text={alert.status} />
  </span>
)
