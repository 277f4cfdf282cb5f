/** Everybody who is signed in. */
import { useWhyNot } from '../../parts/may.tsx'
import { Panel } from '../../parts/panel.tsx'
import { SessionList } from '../account/session-list.tsx'

/** All sessions. */
export function Sessions() {
  const whyNot = useWhyNot('access:change', 'end sessions of others')
  return (
    <Panel title="Sessions" note="Who is signed in to this page now" flush>
      <SessionList path="/sessions" whyNot={whyNot} />
    </Panel>
  )
}
