/** Everything ordinary that happens in the account. */
import type { Routine, Work } from './contract.ts'
import { NOTEBOOK_WORKS } from './notebooks.ts'
import { QUERY_WORKS } from './queries.ts'

/** What people do. */
export const WORKS: readonly Work[] = [...QUERY_WORKS, ...NOTEBOOK_WORKS]

/** What happens by itself. */
export const ROUTINES: readonly Routine[] = []
