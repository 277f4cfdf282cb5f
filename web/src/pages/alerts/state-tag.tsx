/** Where an alert stands, as a word with a tone. */
import type { AlertRow } from '../../../../src/serve/shapes/alerts.ts'
import { Plain } from '../../parts/plain.tsx'
import { Tag } from '../../parts/small.tsx'

const TONES: Readonly<Record<string, string>> = {
  new: 'high',
  reopened: 'high',
  acknowledged: 'low',
  'in progress': 'low',
  resolved: 'good',
}

/** The state of an alert, and its outcome where it is resolved. */
export const StateTag = ({ alert }: { readonly alert: Pick<AlertRow, 'state' | 'status'> }) => (
  <Tag tone={TONES[alert.state] ?? 'informational'}>
    <Plain text={alert.status} />
  </Tag>
)
