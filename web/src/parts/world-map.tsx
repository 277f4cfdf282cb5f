/** The world's countries, shaded by how many events came from each; loaded when a map is shown. */
import { geoNaturalEarth1, geoPath } from 'd3-geo'
import { feature } from 'topojson-client'
import atlas from 'world-atlas/countries-110m.json'
import type { FacetCount } from '../../../src/serve/shapes/events.ts'
import { numberOf } from '../times.ts'
import { countryName } from './country-names.ts'

const WIDTH = 640
const HEIGHT = 310
const SHADES = 6

type Topology = Parameters<typeof feature>[0]
type Countries = Parameters<typeof feature>[1]

interface Shape {
  readonly code: string
  readonly path: string
}

const shapes = shapesOf()

/** The map; numbers are in the list beside it, so it is a picture for those who see. */
export default function WorldMap({ countries }: { readonly countries: readonly FacetCount[] }) {
  const counts = new Map(countries.map(({ value, count }) => [value?.toUpperCase() ?? '', count]))
  const most = Math.max(1, ...counts.values())
  const shade = (count: number) =>
    count === 0 ? 0 : Math.max(1, Math.round((SHADES * Math.log1p(count)) / Math.log1p(most)))
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="world" role="img" aria-label="Map of countries; see the list">
      {shapes.map(({ code, path }) => {
        const count = counts.get(code) ?? 0
        return (
          <path key={path} d={path} className={`heat-${shade(count)}`}>
            {count === 0 ? null : <title>{`${countryName(code)}: ${numberOf(count)}`}</title>}
          </path>
        )
      })}
    </svg>
  )
}

function shapesOf(): Shape[] {
  const world = feature(atlas as unknown as Topology, atlas.objects.countries as Countries)
  if (!('features' in world)) return []
  // Antarctica takes a fifth of the height, and nobody signs in from there.
  const shown = world.features.filter(({ id }) => id !== '010')
  const projection = geoNaturalEarth1().fitSize([WIDTH, HEIGHT], { type: 'FeatureCollection', features: shown })
  const draw = geoPath(projection)
  return shown.map((country) => ({ code: alphaOf(country.id), path: draw(country) ?? '' }))
}

/** The two letters of a numeric ISO 3166 code: browsers write regions so. */
function alphaOf(id: string | number | undefined): string {
  if (id === undefined) return ''
  return Intl.getCanonicalLocales(`und-${id}`)[0]?.slice(4) ?? ''
}
