/** Fields with their values and counts: a click adds one to the search, another leaves it out. */
import { Collapse, Skeleton, Tooltip, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import type { Facet, FacetCount } from '../../../../src/serve/shapes/events.ts'
import { countryName } from '../../parts/country-names.ts'
import { Icon } from '../../parts/icon.tsx'
import { Value } from '../../parts/small.tsx'
import { Failed } from '../../parts/state-of.tsx'
import { type Search, useFacets } from '../../queries/events.ts'
import { keep, kept } from '../../settings.tsx'
import { numberOf } from '../../times.ts'
import { term } from '../../url-state.ts'
import { FACET_NAMES, facetTitle, USUAL_FACETS } from './facet-names.ts'
import { hasPart, withoutPart, withPart } from './search-language.ts'

/** As many as the server counts at once. */
const MOST_VALUES = 100

/** All facets; those that are closed are not asked for. */
export function Facets({ search, onSearch }: { readonly search: Search; readonly onSearch: (q: string) => void }) {
  const [open, setOpen] = useState<readonly Facet[]>(() => kept('facets', USUAL_FACETS))
  const asked = FACET_NAMES.filter((name) => open.includes(name))
  const facets = useFacets(search, asked)
  const toggle = (facet: Facet) => {
    const next = open.includes(facet) ? open.filter((each) => each !== facet) : [...open, facet]
    setOpen(next)
    keep('facets', next)
  }
  if (facets.error !== null && facets.data === undefined) {
    return <Failed error={facets.error} onRetry={() => void facets.refetch()} />
  }
  return (
    <div className={facets.isPlaceholderData ? 'facets-list dated' : 'facets-list'}>
      {FACET_NAMES.map((name) => {
        const isOpen = open.includes(name)
        const answer = facets.data?.facets.find(({ field }) => field === name)
        return (
          <section key={name} className="facet">
            <UnstyledButton className="facet-head" aria-expanded={isOpen} onClick={() => toggle(name)}>
              <Icon name={isOpen ? 'down' : 'right'} size={11} />
              {facetTitle(name)}
            </UnstyledButton>
            <Collapse expanded={isOpen} transitionDuration={0} keepMounted={false}>
              {answer === undefined ? (
                <Skeleton height={10} m="6px 20px" width="60%" />
              ) : (
                <Values facet={name} values={answer.values} more={answer.more} search={search} onSearch={onSearch} />
              )}
            </Collapse>
          </section>
        )
      })}
    </div>
  )
}

function Values({
  facet,
  values,
  more,
  search,
  onSearch,
}: {
  readonly facet: Facet
  readonly values: readonly FacetCount[]
  readonly more: boolean
  readonly search: Search
  readonly onSearch: (q: string) => void
}) {
  const [all, setAll] = useState(false)
  const longer = useFacets(search, [facet], MOST_VALUES, all)
  const shown = (all ? longer.data?.facets[0] : undefined) ?? { values, more }
  const most = Math.max(1, ...shown.values.map(({ count }) => count))
  if (values.length === 0) return <div className="facet-none quiet">No values</div>
  return (
    <ul className="facet-values">
      {shown.values.map(({ value, count }) => (
        <li key={value ?? '\u0000none'}>
          <FacetValue facet={facet} value={value} count={count} share={count / most} q={search.q} onSearch={onSearch} />
        </li>
      ))}
      {more ? (
        <li className="facet-none">
          {all && shown.more && longer.data !== undefined ? (
            <span className="quiet">and more; search for one by its name</span>
          ) : null}{' '}
          <UnstyledButton className="text-button" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? 'Show fewer' : 'Show more'}
          </UnstyledButton>
        </li>
      ) : null}
    </ul>
  )
}

function FacetValue({
  facet,
  value,
  count,
  share,
  q,
  onSearch,
}: {
  readonly facet: Facet
  readonly value: string | null
  readonly count: number
  readonly share: number
  readonly q: string
  readonly onSearch: (q: string) => void
}) {
  const shown = value === null ? 'none' : facet === 'country' ? countryName(value) : value
  // Nothing between the quotes finds events that have no such value.
  const part = value === null ? `${facet}:""` : term(facet, value)
  const isIn = hasPart(q, part)
  return (
    <div className={isIn ? 'facet-value in' : 'facet-value'}>
      <span className="facet-bar" style={{ width: `${100 * share}%` }} aria-hidden="true" />
      <UnstyledButton
        className="facet-name"
        aria-pressed={isIn}
        title={isIn ? 'Take out of the search' : `Only ${shown}`}
        onClick={() => onSearch(isIn ? withoutPart(q, part) : withPart(q, part))}
      >
        {value === null ? <span className="none">none</span> : <Value text={shown} />}
      </UnstyledButton>
      <Tooltip label="Leave out">
        <UnstyledButton
          className="facet-not"
          aria-label={`Leave out ${shown}`}
          onClick={() => onSearch(withPart(q, `-${part}`))}
        >
          <Icon name="minus" size={12} />
        </UnstyledButton>
      </Tooltip>
      <span className="facet-count">{numberOf(count)}</span>
    </div>
  )
}
