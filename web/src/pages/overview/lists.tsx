/** Who and what stands out: the most of some kinds of events, and what was never seen before. */
import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import type { Overview } from '../../../../src/serve/shapes/entities.ts'
import type { FacetCount } from '../../../../src/serve/shapes/events.ts'
import { Bars } from '../../parts/bars.tsx'
import { countryName } from '../../parts/country-names.ts'
import { Panel } from '../../parts/panel.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { TimeText } from '../../parts/small.tsx'
import { Empty } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'
import { entityUrl, explorerUrl, term } from '../../url-state.ts'

/** Values of a field with how many events each has. */
interface Ranking {
  readonly title: string
  readonly note: string
  readonly empty: string
  readonly field: string
  readonly tone?: string
  readonly rows: (overview: Overview) => readonly FacetCount[]
  /** The search for what is counted; it is narrowed by each value. */
  readonly q: (overview: Overview) => string
}

const RANKINGS: readonly Ranking[] = [
  {
    title: 'Failed logins',
    note: 'By actor',
    empty: 'Nobody failed to sign in',
    field: 'actor',
    tone: 'high',
    rows: ({ topFailedLogins }) => topFailedLogins,
    q: ({ figures }) => figures.failedLogins.q ?? '',
  },
  {
    title: 'Reads of data',
    note: 'By actor',
    empty: 'Nobody read any data',
    field: 'actor',
    rows: ({ topReaders }) => topReaders,
    q: () => 'category:data_access status:success',
  },
  {
    title: 'Key events',
    note: 'Kinds that auditors ask for',
    empty: 'No key events',
    field: 'key_event',
    rows: ({ keyEvents }) => keyEvents,
    q: () => '',
  },
]

/** Rankings, and newcomers below them. */
export function Lists({ overview }: { readonly overview: Overview }) {
  const { figures, newActors, newActions, newCountries } = overview
  return (
    <>
      <div className="grid-3">
        {RANKINGS.map((ranking) => (
          <Ranked key={ranking.title} ranking={ranking} overview={overview} />
        ))}
      </div>
      <div className="grid-3">
        <Newcomers title="New actors" kind="actor" rows={newActors} all={figures.newActors.value} />
        <Newcomers title="New actions" kind="action" rows={newActions} all={figures.newActions.value} />
        <Newcomers title="New countries" kind="country" rows={newCountries} all={figures.newCountries.value} />
      </div>
    </>
  )
}

function Ranked({ ranking, overview }: { readonly ranking: Ranking; readonly overview: Overview }) {
  const { title, note, empty, field, tone, rows, q } = ranking
  const span = { from: overview.from, to: overview.to }
  const bars = rows(overview).map(({ value, count }) => {
    const shared = { value, count, ...(tone === undefined ? {} : { tone }) }
    if (value === null) return shared
    const events = explorerUrl(`${q(overview)} ${term(field, value)}`.trim(), span)
    if (field === 'actor') return { ...shared, href: entityUrl('actor', value), countHref: events }
    return { ...shared, href: events, countHref: events, label: visibleText(value.replaceAll('_', ' ')) }
  })
  return (
    <Panel title={title} note={note}>
      {bars.length === 0 ? (
        <Empty title={empty} icon="check" />
      ) : (
        <Bars bars={bars} label={`${title}, ${note.toLowerCase()}`} />
      )}
    </Panel>
  )
}

function Newcomers({
  title,
  kind,
  rows,
  all,
}: {
  readonly title: string
  readonly kind: 'actor' | 'action' | 'country'
  readonly rows: readonly { readonly value: string; readonly firstSeen: string }[]
  /** How many there are, of which the rows may be the first. */
  readonly all: number
}) {
  return (
    <Panel
      title={title}
      note={
        all > rows.length
          ? `Not seen before in the lake; the first ${numberOf(rows.length)} of ${numberOf(all)}`
          : 'Not seen before in the lake'
      }
    >
      {rows.length === 0 ? (
        <Empty title="None" icon="check" />
      ) : (
        <ul className="newcomers">
          {rows.map(({ value, firstSeen }) => (
            <li key={value}>
              <Anchor
                component={Link}
                href={kind === 'actor' ? entityUrl('actor', value) : explorerUrl(term(kind, value))}
                inherit
              >
                <Plain text={kind === 'country' ? countryName(value) : value} />
              </Anchor>
              <span className="quiet">
                <TimeText iso={firstSeen} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
