/** Findings of the home or server that is named. */
import type { FindingFilter } from '../ask/finding-list.ts'
import type { LakeSql } from '../ask/lake-sql.ts'
import type { RunbookQuery } from '../detect/pack/pack.ts'
import type { AnswerStream, QueryLimits } from '../engine/sandbox.ts'
import type { ApiClient } from '../remote/client.ts'
import type { CliContext } from './contract.ts'

/** A list of findings, as it is asked for. */
export interface FindingWish {
  readonly filter: FindingFilter
  readonly columns: 'short' | 'flat' | 'whole'
  readonly limit: number
}

/** Where findings come from. */
export interface FindingLists {
  list(wish: FindingWish, limits: QueryLimits): Promise<AnswerStream>
  /** In the columns of `findings`, by the beginning of its id. @throws AppError BAD_ARGUMENT */
  one(id: string): Promise<Record<string, unknown>>
  /** What to ask next about a finding. */
  runbook(finding: Readonly<Record<string, unknown>>): Promise<readonly RunbookQuery[]>
  /** Ids of the rules that go by a name; none where it is part of titles. @throws AppError BAD_ARGUMENT where it is neither */
  ruleIds(name: string): Promise<readonly string[]>
  close(): Promise<void>
}

/** Opens the findings of the place that is named. Close it. */
export async function openFindingLists(cli: CliContext, signal: AbortSignal): Promise<FindingLists> {
  const wish = cli.server()
  if (wish === undefined) return homeLists(cli)
  const { clientOf, noteMasks } = await import('./server.ts')
  const api = await clientOf(wish, { signal })
  await noteMasks(cli, api)
  return serverLists(api, await api.may('sql:run'))
}

async function homeLists(cli: CliContext): Promise<FindingLists> {
  const { openLakeSandbox } = await import('../ask/lake-relations.ts')
  const { idsOfFinders, runbookOf } = await import('./rules/of-finding.ts')
  const home = cli.home()
  return {
    ...sqlLists(await openLakeSandbox(home)),
    runbook: (finding) => runbookOf(home, finding),
    ruleIds: (name) => idsOfFinders(home, name),
  }
}

const sqlLists = (lake: LakeSql): Pick<FindingLists, 'list' | 'one' | 'close'> => ({
  list: async ({ filter, columns, limit }, limits) => {
    const { findingListSql } = await import('../ask/finding-list.ts')
    return lake.stream(findingListSql(filter, columns, limit), limits)
  },
  one: async (id) => {
    const { wholeFinding } = await import('../ask/finding-list.ts')
    return wholeFinding(lake, id)
  },
  close: () => lake.close(),
})

async function serverLists(api: ApiClient, mayRunSql: boolean): Promise<FindingLists> {
  const { findingRunbook } = await import('../remote/findings.ts')
  const { ServerLake } = await import('../remote/lake.ts')
  const { idsOfServerRules } = await import('../remote/rules.ts')
  return {
    ...(mayRunSql ? sqlLists(new ServerLake(api)) : searchLists(api)),
    runbook: ({ finding_id }) => findingRunbook(api, String(finding_id)),
    ruleIds: (name) => idsOfServerRules(api, name),
  }
}

/** By the routes of findings, for those who may run no SQL. */
const searchLists = (api: ApiClient): Pick<FindingLists, 'list' | 'one' | 'close'> => ({
  list: async ({ filter, columns, limit }, { signal }) => {
    const { findingPages } = await import('../remote/findings.ts')
    const { needsSql } = await import('../remote/events.ts')
    if (columns !== 'short') throw needsSql('A list of findings with all their columns')
    return findingPages(api, filter, { limit, signal })
  },
  one: async (id) => {
    const { findingColumns, findingId } = await import('../remote/findings.ts')
    return findingColumns(api, await findingId(api, id))
  },
  close: async () => api.close(),
})
