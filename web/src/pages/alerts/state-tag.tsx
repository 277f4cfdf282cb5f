/** Where an alert stands, as a word with a tone. */
import { Plain } from '../../parts/plain.tsx'
import './alert-lines.css'

const TONES: Readonly<Record<string, string>> = {
  new: 'medium',
  reopened: 'medium',
  acknowledged: 'accent',
  'in progress': 'accent',
  resolved: 'good',
}

/** The state of an alert, and in brackets its outcome where it is resolved. A dot, not a badge: badges are levels. */
export const StateTag = ({ status }: { readonly status: string }) => (
  <span className={`status alert-state tone-${TONES[status.replace(/ \(.*/, '')] ?? 'informational'}`}>
    <Plain text={status} />
  </span>
)
