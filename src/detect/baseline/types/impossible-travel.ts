/**
 * Two sightings of a key in countries so far apart that nobody travels so fast. Distances are between the rims of circles that stand for
 * the countries, so that a neighbour is never far. The first field of `value` is the country;
 * where others are given (such as the network), sightings that agree in them are no travel.
 */
import type { BaselineRule } from '../../pack/pack.ts'
import { type Compared, type HabitType, HOUR_SECS } from '../contract.ts'
import { countriesSql } from '../countries.ts'
import { Words } from '../words.ts'

/** Faster than airliners, with some time lost on the ground. */
const DEFAULT_KMH = 900

/** Nearer, a country is a matter of which side of a border a provider's addresses are listed on. */
const DEFAULT_KM = 500

/** Nothing on Earth is farther apart. */
const FARTHEST_KM = 20_040

const EARTH_RADIUS_KM = 6371

/** `impossible_travel`. */
export const impossibleTravel: HabitType = {
  type: 'impossible_travel',
  bucketSecs: () => HOUR_SECS,
  reachSecs: (rule) => Math.max(travelSecs(rule), 2 * rule.learnSecs),
  isByValue: () => true,
  keepsEvents: false,
  takesSums: () => false,
  readsOwnKeys: true,
  matchesSql,
}

const travelSecs = ({ threshold }: BaselineRule): number =>
  Math.ceil(FARTHEST_KM / Math.max(1, threshold.kmh ?? DEFAULT_KMH) + 1) * HOUR_SECS

/** What is known of a row of habits as of an event: of its own hour no more than the first sighting. */
function matchesSql({ batch, settings, habits, dialect }: Compared): string {
  const words = new Words(dialect)
  const ms = dialect.epochMs
  const countryOf = (key: string): string => dialect.element(dialect.textsOfJson(key), 0)
  const why = words.joined([
    'upper(there)',
    words.text(' after '),
    'upper(here)',
    words.text(': '),
    words.number('apart_km'),
    words.text(' km in '),
    words.span('apart_ms'),
    words.text(', '),
    words.number('apart_km / apart_ms * 3600000.0'),
    words.text(' km/h'),
  ])
  return `WITH places AS (${countriesSql()}),
  touched AS (SELECT DISTINCT e.baseline, e.by_key FROM ${batch} e WHERE e.type = 'impossible_travel'),
  known AS (SELECT h.baseline, h.by_key, h.value_key, h.hour, h.first_time, h.last_time FROM ${habits} h
    WHERE (h.baseline, h.by_key) IN (SELECT baseline, by_key FROM touched)),
  travellers AS (SELECT baseline, by_key, min(first_time) AS since FROM known GROUP BY baseline, by_key HAVING min(value_key) <> max(value_key)),
  events AS (SELECT DISTINCT e.baseline, e.by_key, e.value_key, e.event_time, e.bucket, s.reach_ms FROM ${batch} e
    JOIN travellers t ON t.baseline = e.baseline AND t.by_key = e.by_key
    JOIN ${settings} s ON s.baseline = e.baseline
    WHERE e.type = 'impossible_travel' AND (s.learn_ms = 0 OR ${ms('t.since')} <= ${ms('e.event_time')} - s.learn_ms)),
  sightings AS (SELECT e.*, k.value_key AS seen_value, max(CASE WHEN k.hour < e.bucket THEN k.last_time ELSE k.first_time END) AS seen
    FROM known k JOIN events e ON k.baseline = e.baseline AND k.by_key = e.by_key
      AND k.hour <= e.bucket AND k.first_time < e.event_time AND ${ms('k.hour')} >= ${ms('e.bucket')} - e.reach_ms
    GROUP BY ALL),
  latest AS (SELECT baseline, by_key, value_key, event_time, max_by(seen_value, (seen, seen_value)) AS from_value, max(seen) AS seen
    FROM sightings GROUP BY baseline, by_key, value_key, event_time),
  legs AS (SELECT *, ${ms('event_time')} - ${ms('seen')} AS apart_ms, ${countryOf('value_key')} AS there, ${countryOf('from_value')} AS here,
    ${alikeSql('value_key', 'from_value', dialect.textsOfJson)} AS is_alike FROM latest WHERE from_value <> value_key),
  measured AS (SELECT l.*, greatest(0, ${distanceSql('a', 'b')} - a.radius - b.radius) AS apart_km
    FROM legs l JOIN places a ON a.code = l.there JOIN places b ON b.code = l.here WHERE NOT l.is_alike)
  SELECT e.baseline, e.event_id, e.event_time, e.fields, e.selections, ${words.because(words.names('s.value_names'), why)} AS because
  FROM ${batch} e JOIN ${settings} s ON s.baseline = e.baseline
  JOIN measured m ON m.baseline = e.baseline AND m.by_key = e.by_key AND m.value_key = e.value_key AND m.event_time = e.event_time
  WHERE m.apart_km >= coalesce(s.km, ${DEFAULT_KM}) AND m.apart_km * 3600000.0 > coalesce(s.kmh, ${DEFAULT_KMH}) * m.apart_ms`
}

/** True where what stands behind the country is there and the same. */
const alikeSql = (a: string, b: string, texts: (json: string) => string): string =>
  `(len(${texts(a)}) > 1 AND coalesce(list_slice(${texts(a)}, 2, 99) = list_slice(${texts(b)}, 2, 99), false))`

/** Kilometres between two centres along the surface. */
const distanceSql = (a: string, b: string): string =>
  `2 * ${EARTH_RADIUS_KM} * asin(sqrt(least(1, pow(sin(radians(${a}.lat - ${b}.lat) / 2), 2)
    + cos(radians(${a}.lat)) * cos(radians(${b}.lat)) * pow(sin(radians(${a}.lon - ${b}.lon) / 2), 2))))`
