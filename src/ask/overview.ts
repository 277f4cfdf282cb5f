/** What an admin wants to see first, as questions to the lake. The web page and the demo ask the same ones. */
import type { Sandbox } from '../engine/sandbox.ts'

/** One question: a heading and SQL over `events`, `rejects` and `findings`. */
export interface Question {
  readonly id: string
  readonly title: string
  readonly sql: string
  /** Said where there is no answer. */
  readonly none: string
}

/** Rows of a "top" list. */
const TOP = 8

/** Findings come first: more of them. */
const TOP_FINDINGS = 20

const WHO = `coalesce(actor.email, actor.name, actor.id, 'nobody named')`

/** The overview, in order. */
export const OVERVIEW: readonly Question[] = [
  {
    id: 'findings',
    title: 'Findings',
    sql: `SELECT level, title AS finding, count(*) AS times, count(DISTINCT entity) AS entities, sum(events) AS events, max(last_time) AS latest,
      arg_max(entity, last_time) AS lately FROM findings WHERE superseded_by IS NULL AND level IN ('critical', 'high', 'medium') GROUP BY level, title
      ORDER BY list_position(['critical', 'high', 'medium'], level), times DESC, title LIMIT ${TOP_FINDINGS}`,
    none: 'None at medium or above.',
  },
  {
    id: 'categories',
    title: 'Events by category',
    sql: `SELECT category, count(*) AS events, count(*) FILTER (status = 'UNAUTHORIZED') AS refused, count(*) FILTER (status = 'FAILURE') AS failed,
      count(DISTINCT actor.email) AS actors FROM events GROUP BY category ORDER BY events DESC`,
    none: 'No events.',
  },
  {
    id: 'key_events',
    title: 'Key events',
    sql: `SELECT key_event, count(*) AS events, count(DISTINCT actor.email) AS actors, max(event_time) AS latest,
      mode(service || '.' || action) AS mostly FROM events WHERE key_event IS NOT NULL GROUP BY key_event ORDER BY events DESC`,
    none: 'No key events.',
  },
  {
    id: 'failed_logins',
    title: 'Failed logins',
    sql: `SELECT ${WHO} AS actor, count(*) AS failures, count(DISTINCT source_ip) AS addresses, string_agg(DISTINCT geo.country, ' ' ORDER BY geo.country) AS countries,
      max(event_time) AS latest FROM events WHERE category = 'authentication' AND verb = 'login' AND status IN ('UNAUTHORIZED', 'FAILURE')
      GROUP BY 1 ORDER BY failures DESC, actor LIMIT ${TOP}`,
    none: 'No failed logins.',
  },
  {
    id: 'permission_changes',
    title: 'Latest permission changes',
    sql: `SELECT event_time AS time, ${WHO} AS actor, service || '.' || action AS action, coalesce(targets[1].name, targets[1].id) AS target,
      targets[1].principal AS principal, status FROM events WHERE key_event = 'role_permission_update' ORDER BY event_time DESC LIMIT ${TOP}`,
    none: 'No permission changes.',
  },
  {
    id: 'table_readers',
    title: 'Top readers of tables',
    sql: `SELECT ${WHO} AS reader, actor.type AS type, count(*) AS reads, count(DISTINCT t.name) AS tables, mode(t.name) AS mostly
      FROM (SELECT actor, unnest(targets) AS t FROM events WHERE category = 'data_access' AND status = 'SUCCESS' AND len(targets) > 0)
      WHERE t.type = 'table' AND t.name IS NOT NULL GROUP BY 1, 2 ORDER BY reads DESC LIMIT ${TOP}`,
    none: 'No table was read.',
  },
  {
    id: 'rejects',
    title: 'Rejects',
    sql: 'SELECT reason, count(*) AS records, count(DISTINCT source_object) AS objects FROM rejects GROUP BY reason ORDER BY records DESC',
    none: 'None: every record became an event.',
  },
]

/** The answer to one question. */
export interface OverviewAnswer extends Question {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
}

/** Asks all questions of the overview. */
export async function overview(sandbox: Sandbox): Promise<OverviewAnswer[]> {
  const answers: OverviewAnswer[] = []
  for (const question of OVERVIEW) {
    const { columns, rows } = await sandbox.query(question.sql)
    answers.push({ ...question, columns, rows })
  }
  return answers
}
