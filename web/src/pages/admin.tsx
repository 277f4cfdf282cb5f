/** Access: tokens of programs, roles of people, who is signed in, and the record of what all of them asked. */
import { Anchor, Tabs } from '@mantine/core'
import { Link } from 'wouter'
import { PageHead } from '../parts/panel.tsx'
import { useMay } from '../queries/session.ts'
import { explorerUrl, useUrlState } from '../url-state.ts'
import { People } from './admin/people.tsx'
import { Sessions } from './admin/sessions.tsx'
import { Tokens } from './admin/tokens.tsx'
import './admin/admin.css'

/** The page of access. */
export default function Admin() {
  const [params, change] = useUrlState()
  const maySeeUse = useMay('use:read')
  return (
    <div className="page">
      <PageHead title="Access" note="Who may ask, and what they may see">
        {maySeeUse ? (
          <Anchor component={Link} href={explorerUrl('service:bricktrail')}>
            Record of use
          </Anchor>
        ) : null}
      </PageHead>
      <Tabs
        value={params.get('show') ?? 'tokens'}
        onChange={(show) => change({ show: show === 'tokens' ? null : show })}
        keepMounted={false}
      >
        <Tabs.List mb="sm">
          <Tabs.Tab value="tokens">Tokens</Tabs.Tab>
          <Tabs.Tab value="people">People</Tabs.Tab>
          <Tabs.Tab value="sessions">Sessions</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tokens">
          <Tokens />
        </Tabs.Panel>
        <Tabs.Panel value="people">
          <People />
        </Tabs.Panel>
        <Tabs.Panel value="sessions">
          <Sessions />
        </Tabs.Panel>
      </Tabs>
    </div>
  )
}
