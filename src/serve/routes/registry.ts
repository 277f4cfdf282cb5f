/** Every group of routes; a test compares it with the folder. */
import type { AppDeps } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { accessRoutes } from './access.ts'
import { alerts } from './alerts.ts'
import { auditEvents } from './audit-events.ts'
import { auth } from './auth.ts'
import { destinations } from './destinations.ts'
import { docs } from './docs.ts'
import { downloads } from './download.ts'
import { entities } from './entities.ts'
import { event } from './event.ts'
import { events } from './events.ts'
import { findings } from './findings.ts'
import { health } from './health.ts'
import { who } from './me.ts'
import { overviewRoutes } from './overview.ts'
import { rejects } from './rejects.ts'
import { rules } from './rules.ts'
import { seal } from './seal.ts'
import { searches } from './searches.ts'
import { sessionRoutes } from './sessions.ts'
import { silences } from './silences.ts'
import { sources } from './sources.ts'
import { sql } from './sql.ts'
import { stream } from './stream.ts'

/** The groups, in the order in which the API's description lists them. */
export const ROUTES: readonly RouteGroup<AppDeps>[] = [
  auth,
  who,
  overviewRoutes,
  events,
  downloads,
  event,
  entities,
  sql,
  auditEvents,
  stream,
  findings,
  alerts,
  silences,
  rules,
  sources,
  rejects,
  destinations,
  seal,
  searches,
  accessRoutes,
  sessionRoutes,
  health,
  docs,
]
