/** How long what people decided holds. */
import { type Alert, alertById, isOpenAlert } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'

/** How long what was decided about an alert holds. */
export interface Lasting {
  /** Findings of a key that was found benign, or a false positive, are only counted for so long. */
  readonly quietAfterMs: Readonly<Record<'benign' | 'false_positive', number>>
  /** After it, new evidence for a resolved alert opens another instead. */
  readonly reopenMs: number
  /** Alerts whose evidence is older than this when it is found are listed and not told. */
  readonly historyMs: number
}

/** True if new evidence for a resolved alert is only counted. */
export function isStillQuiet(file: AlertsFile, alert: Alert, { quietAfterMs }: Lasting, nowMs: number): boolean {
  const { outcome, resolvedMs, duplicateOf } = alert
  if (outcome === 'benign' || outcome === 'false_positive') return nowMs - (resolvedMs ?? 0) < quietAfterMs[outcome]
  const other = outcome === 'duplicate' && duplicateOf !== null ? alertById(file, duplicateOf) : undefined
  return other !== undefined && isOpenAlert(other)
}
