/** Alerts: what rules found, to be looked into. */
import { QueuePage } from './alerts/queue-page.tsx'

/** The page of alerts. */
export default function Alerts({ params }: { readonly params: Readonly<Record<string, string | undefined>> }) {
  return <QueuePage kind="alert" title="Alerts" address={params.id} />
}
