/** The lake a command asks: that of a home, or that of a server. */
import type { EventFilter } from '../ask/filter.ts'
import type { LakeSandboxOptions } from '../ask/lake-relations.ts'
import type { LakeQuery, LakeSql } from '../ask/lake-sql.ts'
import type { AnswerStream, QueryLimits } from '../engine/sandbox.ts'
import type { ApiClient } from '../remote/client.ts'
import type { CliContext } from './contract.ts'

/** SQL over the lake that is named. Close it. */
export async function openLake(cli: CliContext, options: LakeSandboxOptions, signal: AbortSignal): Promise<LakeSql> {
  const wish = cli.server()
  if (wish === undefined) {
    const { openLakeSandbox } = await import('../ask/lake-relations.ts')
    return openLakeSandbox(cli.home(), options)
  }
  const { ServerLake } = await import('../remote/lake.ts')
  const { clientOf } = await import('./server.ts')
  return new ServerLake(await clientOf(wish, { signal }))
}

/** A list of events, as it is asked for. */
export interface EventWish {
  readonly filter: EventFilter
  readonly columns: 'short' | 'flat' | 'whole'
  readonly limit: number
  readonly oldest: boolean
}

/** Where lists of events come from. */
export interface EventLists {
  list(wish: EventWish, limits: QueryLimits): Promise<AnswerStream>
  /** To look words up in; absent for those who may run no SQL. */
  readonly lake?: LakeQuery
  close(): Promise<void>
}

/** Lists of events of the lake that is named. Close it. */
export async function openEventLists(
  cli: CliContext,
  options: LakeSandboxOptions,
  signal: AbortSignal,
): Promise<EventLists> {
  const wish = cli.server()
  if (wish === undefined) return sqlLists(await openLake(cli, options, signal))
  const { clientOf, noteMasks } = await import('./server.ts')
  const api = await clientOf(wish, { signal })
  await noteMasks(cli, api)
  if (!(await api.may('sql:run'))) return searchLists(api)
  const { ServerLake } = await import('../remote/lake.ts')
  return sqlLists(new ServerLake(api))
}

const sqlLists = (lake: LakeSql): EventLists => ({
  list: async ({ filter, columns, limit, oldest }, limits) => {
    const { eventListSql } = await import('../ask/event-list.ts')
    return lake.stream(eventListSql(filter, columns, { limit, oldest }), limits)
  },
  lake,
  close: () => lake.close(),
})

/** By searches, for those who may run no SQL. */
const searchLists = (api: ApiClient): EventLists => ({
  list: async ({ filter, columns, limit, oldest }, { signal }) => {
    const { eventPages, needsSql } = await import('../remote/events.ts')
    if (columns !== 'short') throw needsSql('An event with all its columns')
    return eventPages(api, filter, { limit, oldest, signal })
  },
  close: async () => api.close(),
})
