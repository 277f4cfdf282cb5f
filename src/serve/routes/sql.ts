/** `POST /api/v1/sql`: SQL that a person writes, in a sandbox, over what they may see. */
import { createRoute } from '@hono/zod-openapi'
import { newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { note } from '../guard.ts'
import { PeopleSql } from '../read/people-sql.ts'
import { readerOf } from '../read/reader-of.ts'
import { answer, behind, body, REFUSED } from '../routing.ts'
import { SqlAnswer, SqlRequest } from '../shapes/events.ts'

/** The longest time that can be asked for, and what a sandbox needs to begin. */
const MOST_SECONDS = 310

const run = createRoute({
  method: 'post',
  path: '/api/v1/sql',
  tags: ['SQL'],
  summary: 'Run one SELECT over events, rejects, findings and objects',
  description: 'It can only read, and sees the rows and values that the asker may see. It ends when the client leaves.',
  ...behind('sql:run', 'runSql', { seconds: MOST_SECONDS }),
  request: {
    body: body(SqlRequest, { sql: 'SELECT category, count(*) AS events FROM events GROUP BY ALL', limit: 100 }),
  },
  responses: {
    ...REFUSED,
    200: answer('The rows.', SqlAnswer, {
      columns: [
        { name: 'category', type: 'VARCHAR' },
        { name: 'events', type: 'BIGINT' },
      ],
      rows: [['catalog', 336965]],
      truncated: false,
      elapsedMs: 31,
    }),
  },
})

/** SQL of people. */
export const sql: RouteGroup = (deps) => {
  const people = new PeopleSql(() => readerOf(deps))
  return newRoutes().openapi(run, async (c) => {
    const asked = c.req.valid('json')
    const reader = readerOf(deps)
    reader.closing(people)
    const limits = { timeoutMs: asked.timeoutSeconds * 1000, maxRows: asked.limit, signal: c.get('signal') }
    const { columns, rows, truncated, elapsedMs } = await people.run(c.get('principal'), asked.sql, limits)
    note(c, { rows: rows.length })
    return c.json({ columns: [...columns], rows: rows.map((row) => [...row]), truncated, elapsedMs }, 200)
  })
}
