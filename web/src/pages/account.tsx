/** One's own account: who one is here, what one may, and where one is signed in. */

import { KeyValue } from '../parts/key-value.tsx'
import { PageHead, Panel } from '../parts/panel.tsx'
import { Plain } from '../parts/plain.tsx'
import { TimeText } from '../parts/small.tsx'
import { useMe } from '../queries/session.ts'
import { SessionList } from './account/session-list.tsx'
import { MASK_WORDS, ROLE_CHOICES, scopeLabel } from './admin/roles.ts'

/** The page at `/account`. */
export default function Account() {
  const { name, role, masks, rows, permissions, expires } = useMe()
  return (
    <div className="page">
      <PageHead title="Your account" note="Who you are here, and where you are signed in" />
      <div className="page-stack">
        <Panel
          title="Your sessions"
          note="Each is a browser that is signed in as you. End those you do not know."
          flush
        >
          <SessionList path="/me/sessions" whyNot={null} />
        </Panel>
        <Panel title="What you may" note="Whoever administers Bricktrail can change it">
          <KeyValue
            rows={[
              ['Name', <Plain key="name" text={name} />],
              ['Role', ROLE_CHOICES.find(({ value }) => value === role)?.label ?? role],
              [
                'You may',
                <ul key="may" className="names">
                  {permissions.map((permission) => (
                    <li key={permission}>{scopeLabel(permission)}</li>
                  ))}
                </ul>,
              ],
              ['Hidden from you', masks.length === 0 ? 'nothing' : masks.map((mask) => MASK_WORDS[mask]).join(', ')],
              [
                'Only workspaces',
                rows.workspaces === undefined ? null : <Plain key="w" text={rows.workspaces.join(', ')} />,
              ],
              [
                'Only categories',
                rows.categories === undefined ? null : <Plain key="c" text={rows.categories.join(', ')} />,
              ],
              ['Signed in until', expires === null ? null : <TimeText key="until" iso={expires} />],
            ]}
          />
        </Panel>
      </div>
    </div>
  )
}
