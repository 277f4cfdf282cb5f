/** Pages by address. Each is a file of its own that is loaded when it is first shown. */
import { type ComponentType, lazy, Suspense } from 'react'
import { Route, Switch } from 'wouter'
import type { Permission } from '../../src/serve/contract.ts'
import type { IconName } from './parts/icon.tsx'
import { Empty, Forbidden, Loading } from './parts/state-of.tsx'
import { useMe } from './queries/session.ts'

/** A page of the navigation. */
export interface Destination {
  readonly path: string
  /** Where the link leads, if not just to the path. */
  readonly href?: string
  readonly name: string
  readonly icon: IconName
  /** What one must be allowed to see it; who is not does not find it in the navigation. */
  readonly needs: Permission
  /** Heading of the group it stands under. */
  readonly group: 'Watch' | 'Detect' | 'Run'
}

/** The navigation, in its order. */
export const DESTINATIONS: readonly Destination[] = [
  { path: '/', name: 'Overview', icon: 'overview', needs: 'events:read', group: 'Watch' },
  // What people do in Bricktrail is in the lake too, and would be all that stands on top.
  {
    path: '/events',
    href: '/events?q=-service:bricktrail',
    name: 'Explorer',
    icon: 'explorer',
    needs: 'events:read',
    group: 'Watch',
  },
  { path: '/alerts', name: 'Alerts', icon: 'alerts', needs: 'findings:read', group: 'Watch' },
  { path: '/incidents', name: 'Incidents', icon: 'incidents', needs: 'findings:read', group: 'Watch' },
  { path: '/rules', name: 'Rules', icon: 'rules', needs: 'rules:read', group: 'Detect' },
  { path: '/sql', name: 'SQL', icon: 'sql', needs: 'sql:run', group: 'Detect' },
  { path: '/integrity', name: 'Integrity', icon: 'integrity', needs: 'seal:read', group: 'Run' },
  { path: '/operations', name: 'Operations', icon: 'operations', needs: 'health:read', group: 'Run' },
  { path: '/admin', name: 'Access', icon: 'admin', needs: 'access:read', group: 'Run' },
]

/** What of the navigation a path belongs to; a page below one, such as that of a rule, belongs to it. */
export const destinationOf = (path: string): Destination | undefined =>
  DESTINATIONS.find((each) => each.path === path || (each.path !== '/' && path.startsWith(`${each.path}/`)))

type Page = ComponentType<{ params: Readonly<Record<string, string | undefined>> }>

const Overview = lazy(() => import('./pages/overview.tsx'))
const Explorer = lazy(() => import('./pages/explorer.tsx'))
const Alerts: Page = lazy(() => import('./pages/alerts.tsx'))
const Incidents: Page = lazy(() => import('./pages/incidents.tsx'))
const Entity: Page = lazy(() => import('./pages/entity.tsx'))
const Rules: Page = lazy(() => import('./pages/rules.tsx'))
const Rule: Page = lazy(() => import('./pages/rule.tsx'))
const Integrity: Page = lazy(() => import('./pages/integrity.tsx'))
const Operations: Page = lazy(() => import('./pages/operations.tsx'))
const Admin: Page = lazy(() => import('./pages/admin.tsx'))
const Account: Page = lazy(() => import('./pages/account.tsx'))
const Sql = lazy(() => import('./pages/sql.tsx'))

/** A page is for everybody who is signed in where nothing is needed. */
const PAGES: readonly (readonly [path: string, needs: Permission | null, page: Page])[] = [
  ['/', 'events:read', Overview],
  ['/events', 'events:read', Explorer],
  ['/alerts/:id?', 'findings:read', Alerts],
  ['/incidents/:id?', 'findings:read', Incidents],
  ['/entities/:kind/:id', 'events:read', Entity],
  ['/rules', 'rules:read', Rules],
  ['/rules/:id', 'rules:read', Rule],
  ['/integrity', 'seal:read', Integrity],
  ['/operations', 'health:read', Operations],
  ['/admin', 'access:read', Admin],
  ['/sql', 'sql:run', Sql],
  ['/account', null, Account],
]

/** The page of the address. */
export function Routes() {
  return (
    <Suspense fallback={<Loading lines={8} />}>
      <Switch>
        {PAGES.map(([path, needs, Shown]) => (
          <Route key={path} path={path}>
            {(params) => (
              <Allowed needs={needs}>
                <Shown params={params} />
              </Allowed>
            )}
          </Route>
        ))}
        <Route>
          <NotFound />
        </Route>
      </Switch>
    </Suspense>
  )
}

function Allowed({ needs, children }: { readonly needs: Permission | null; readonly children: React.ReactNode }) {
  const { permissions } = useMe()
  return needs === null || permissions.includes(needs) ? children : <Forbidden />
}

function NotFound() {
  return (
    <Empty title="There is no such page" icon="explorer">
      The address may be cut, or from another version of Bricktrail.
    </Empty>
  )
}
