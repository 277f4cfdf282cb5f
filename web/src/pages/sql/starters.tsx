/** Statements to begin with, for who does not know the tables yet. */
import { UnstyledButton } from '@mantine/core'
import { Panel } from '../../parts/panel.tsx'

/** A statement, and what it tells. */
interface Starter {
  readonly title: string
  readonly sql: string
}

/** What stands in the editor at first. */
export const FIRST_SQL = `select actor.email as actor, count(*) as events, max(event_time) as last
from events
where status = 'UNAUTHORIZED'
group by all
order by events desc`

const STARTERS: readonly Starter[] = [
  { title: 'Who was refused, and how often', sql: FIRST_SQL },
  {
    title: 'Who granted what to whom, the newest first',
    sql: `select event_time, actor.email as who, action, t.name as what, t.principal as whom, t.privilege
from events, unnest(targets) as each(t)
where verb in ('grant', 'revoke') and t.principal is not null
order by event_time desc`,
  },
  {
    title: 'Tables by how many people read them',
    sql: `select t.name as table_name, count(distinct coalesce(actor.email, actor.name, actor.id)) as readers, count(*) as reads
from events, unnest(targets) as each(t)
where category = 'data_access' and status = 'SUCCESS' and t.type = 'table'
group by all
order by readers desc`,
  },
  {
    title: 'What rules found, by rule',
    sql: `select title, level, count(*) as findings, max(last_time) as last
from findings
group by all
order by findings desc`,
  },
  {
    title: 'Records that became no event, by reason',
    sql: 'select reason, count(*) as records\nfrom rejects\ngroup by all',
  },
  { title: 'Columns of events', sql: 'describe events' },
  { title: 'Columns of findings', sql: 'describe findings' },
]

/** The statements; a press puts one into the editor. */
export function Starters({ onPick }: { readonly onPick: (sql: string) => void }) {
  return (
    <Panel title="To begin with" note="A press puts the statement into the editor" flush>
      <ul className="starters">
        {STARTERS.map(({ title, sql }) => (
          <li key={title}>
            <UnstyledButton onClick={() => onPick(sql)}>
              <span>{title}</span>
              <code>{sql.replaceAll('\n', ' ')}</code>
            </UnstyledButton>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
