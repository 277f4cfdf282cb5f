/** Pages by address. Each is a file of its own that is loaded when it is first shown. */
import { type ComponentType, lazy, Suspense } from 'react'
import { Route, Switch } from 'wouter'
import type { Permission } from '../../src/serve/contract.ts'
import type { IconName } from './parts/icon.tsx'
import { Empty, Forbidden, Loading } from './parts/state-of.tsx'
import { useMay } from './queries/session.ts'

/** A page of the navigation. */
export interface Destination {
  readonly path: string
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
  { path: '/events', name: 'Explorer', icon: 'explorer', needs: 'events:read', group: 'Watch' },
  { path: '/alerts', name: 'Alerts', icon: 'alerts', needs: 'findings:read', group: 'Watch' },
  { path: '/incidents', name: 'Incidents', icon: 'incidents', needs: 'findings:read', group: 'Watch' },
  { path: '/rules', name: 'Rules', icon: 'rules', needs: 'rules:read', group: 'Detect' },
  { path: '/sql', name: 'SQL', icon: 'sql', needs: 'sql:run', group: 'Detect' },
  { path: '/integrity', name: 'Integrity', icon: 'integrity', needs: 'seal:read', group: 'Run' },
  { path: '/operations', name: 'Operations', icon: 'operations', needs: 'health:read', group: 'Run' },
  { path: '/admin', name: 'Access', icon: 'admin', needs: 'access:read', group: 'Run' },
]

type Page = ComponentType<{ params: Readonly<Record<string, string | undefined>> }>

const files = import.meta.glob<{ default: Page }>('./pages/*.tsx')

const page = (name: string): Page => {
  const load = files[`./pages/${name}.tsx`]
  return load === undefined ? NotFound : (lazy(load) as Page)
}

const PAGES: readonly (readonly [path: string, needs: Permission, page: Page])[] = [
  ['/', 'events:read', page('overview')],
  ['/events', 'events:read', page('explorer')],
  ['/alerts', 'findings:read', page('alerts')],
  ['/alerts/:id', 'findings:read', page('alerts')],
  ['/incidents', 'findings:read', page('incidents')],
  ['/incidents/:id', 'findings:read', page('incidents')],
  ['/entities/:kind/:id', 'events:read', page('entity')],
  ['/rules', 'rules:read', page('rules')],
  ['/rules/:id', 'rules:read', page('rule')],
  ['/integrity', 'seal:read', page('integrity')],
  ['/operations', 'health:read', page('operations')],
  ['/admin', 'access:read', page('admin')],
  ['/sql', 'sql:run', page('sql')],
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

function Allowed({ needs, children }: { readonly needs: Permission; readonly children: React.ReactNode }) {
  return useMay(needs) ? children : <Forbidden />
}

function NotFound() {
  return (
    <Empty title="There is no such page" icon="explorer">
      The address may be cut, or from another version of Bricktrail.
    </Empty>
  )
}
