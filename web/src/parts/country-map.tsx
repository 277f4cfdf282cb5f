/** Countries of events: a map for the eye, the numbers beside it in words. */
import { Skeleton } from '@mantine/core'
import { lazy, Suspense } from 'react'
import type { FacetCount } from '../../../src/serve/shapes/events.ts'
import { explorerUrl, term } from '../url-state.ts'
import { Bars } from './bars.tsx'
import { countryName } from './country-names.ts'
import { Plain } from './plain.tsx'

const WorldMap = lazy(() => import('./world-map.tsx'))

/** Countries by ISO 3166 alpha-2, with their numbers of events. */
export function CountryMap({
  countries,
  label,
  q = '',
  span = {},
}: {
  readonly countries: readonly FacetCount[]
  readonly label: string
  /** A search that each country is added to, as a link. */
  readonly q?: string
  readonly span?: { readonly from?: string | null; readonly to?: string | null }
}) {
  const hrefOf = (value: string) => explorerUrl(`${q} ${term('country', value)}`.trim(), span)
  return (
    <div className="country-map">
      <Suspense fallback={<Skeleton height={220} radius="xs" />}>
        <WorldMap countries={countries} />
      </Suspense>
      <Bars
        label={label}
        bars={countries.map(({ value, count }) => ({
          value,
          count,
          label: value === null ? 'No country known' : <Plain text={countryName(value)} />,
          ...(value === null ? {} : { href: hrefOf(value), countHref: hrefOf(value) }),
        }))}
      />
    </div>
  )
}
