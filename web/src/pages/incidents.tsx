/** Incidents: alerts about one actor or asset that are too much together. */
import { QueuePage } from './alerts/queue-page.tsx'

/** The page of incidents. */
export default function Incidents({ params }: { readonly params: Readonly<Record<string, string | undefined>> }) {
  return <QueuePage kind="incident" title="Incidents" address={params.id} />
}
