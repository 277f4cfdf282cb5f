/** Everything ordinary that happens in the account. A test compares this with the folder. */
import { CONSOLE_ROUTINES } from './account-console.ts'
import { CARELESS_WORK_ROUTINES } from './careless-work.ts'
import { CATALOG_ROUTINES, CATALOG_WORKS } from './catalog.ts'
import { CHANGE_TICKET_ROUTINES } from './change-tickets.ts'
import { COMPUTE_ROUTINES, COMPUTE_WORKS } from './compute.ts'
import type { Routine, Tool, Work } from './contract.ts'
import { DASHBOARD_ROUTINES, DASHBOARD_WORKS } from './dashboards.ts'
import { FILE_ROUTINES, FILE_WORKS } from './files.ts'
import { IDENTITY_ROUTINES } from './identity.ts'
import { JOB_ROUTINES, JOB_WORKS } from './jobs.ts'
import { LARGE_CHORE_ROUTINES } from './large-chores.ts'
import { LEARNING_ROUTINES, LEARNING_WORKS } from './learning.ts'
import { LOGIN_TROUBLE_ROUTINES } from './login-troubles.ts'
import { NOTEBOOK_WORKS } from './notebooks.ts'
import { OVERSIZED_ROUTINES } from './oversized.ts'
import { PIPELINE_ROUTINES, PIPELINE_WORKS } from './pipelines.ts'
import { PLATFORM_ROUTINES } from './platform.ts'
import { QUERY_WORKS } from './queries.ts'
import { SAVED_QUERY_ROUTINES, SAVED_QUERY_WORKS } from './saved-queries.ts'
import { SECRET_ROUTINES, SECRET_WORKS } from './secrets.ts'
import { SHARING_ROUTINES } from './sharing.ts'
import { DESKTOP_TOOLS } from './tools.ts'
import { WORKSPACE_WORKS } from './workspace-objects.ts'

/** What people do. */
export const WORKS: readonly Work[] = [
  ...QUERY_WORKS,
  ...SAVED_QUERY_WORKS,
  ...DASHBOARD_WORKS,
  ...NOTEBOOK_WORKS,
  ...WORKSPACE_WORKS,
  ...COMPUTE_WORKS,
  ...JOB_WORKS,
  ...PIPELINE_WORKS,
  ...CATALOG_WORKS,
  ...FILE_WORKS,
  ...LEARNING_WORKS,
  ...SECRET_WORKS,
]

/** What people do with programs of their own. */
export const TOOLS: readonly Tool[] = DESKTOP_TOOLS

/** What happens so often a day. */
export const ROUTINES: readonly Routine[] = [
  ...SAVED_QUERY_ROUTINES,
  ...DASHBOARD_ROUTINES,
  ...COMPUTE_ROUTINES,
  ...JOB_ROUTINES,
  ...PIPELINE_ROUTINES,
  ...CATALOG_ROUTINES,
  ...FILE_ROUTINES,
  ...LEARNING_ROUTINES,
  ...SHARING_ROUTINES,
  ...IDENTITY_ROUTINES,
  ...SECRET_ROUTINES,
  ...CONSOLE_ROUTINES,
  ...PLATFORM_ROUTINES,
  ...OVERSIZED_ROUTINES,
  ...LOGIN_TROUBLE_ROUTINES,
  ...CHANGE_TICKET_ROUTINES,
  ...LARGE_CHORE_ROUTINES,
  ...CARELESS_WORK_ROUTINES,
]
