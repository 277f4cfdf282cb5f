/**
 * Something done outside working hours: those that the rule gives, or else the actor's own, which are learnt. Hours are those of the
 * clock in the rule's time zone.
 */
import { type Compared, type HabitType, HOUR_SECS, usualReachSecs } from '../contract.ts'
import { Words } from '../words.ts'

/** On fewer days nobody has hours of his own. */
const FEWEST_DAYS = 10

/** An hour is unusual if something happened then on at most this share of the days of its kind. */
const DEFAULT_SHARE = 0.05

/** `off_hours`. */
export const offHours: HabitType = {
  type: 'off_hours',
  bucketSecs: () => HOUR_SECS,
  reachSecs: (rule) => (rule.hours === undefined ? usualReachSecs(rule) : 0),
  isByValue: () => false,
  keepsEvents: false,
  takesSums: () => false,
  readsOwnKeys: true,
  matchesSql: (compared) => `${givenHoursSql(compared)} UNION ALL BY NAME ${ownHoursSql(compared)}`,
}

const clocked = ({ batch, settings, dialect }: Compared, words: Words, which: string): string =>
  `(SELECT *, ${dialect.minuteOfDay('clock')} AS minute, ${dialect.dayOfWeek('clock')} AS weekday, CAST(clock AS DATE) AS day
    FROM (SELECT e.*, s.from_minute, s.to_minute, s.days, s.zone, s.learn_ms, s.reach_ms, s.share, ${words.names('s.by_names')} AS names,
      ${dialect.clockIn('s.zone', 'e.event_time')} AS clock
      FROM ${batch} e JOIN ${settings} s ON s.baseline = e.baseline WHERE e.type = 'off_hours' AND ${which}))`

/** `Sat 03:10`, of a clock. */
const timeOfDay = (words: Words): string =>
  `${dayName(words)} || ' ' || lpad(CAST(minute // 60 AS VARCHAR), 2, '0') || ':' || lpad(CAST(minute % 60 AS VARCHAR), 2, '0') || ' ' || zone`

const DAY_NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

const dayName = (words: Words): string =>
  `CASE weekday ${DAY_NAMES.map((name, at) => `WHEN ${at + 1} THEN ${words.text(name)}`).join(' ')} END`

/** What is given is not learnt: it holds from the first event on. Hours over midnight belong to the day they begin on. */
function givenHoursSql(compared: Compared): string {
  const { dialect } = compared
  const words = new Words(dialect)
  const on = (weekday: string): string => dialect.listHas('days', `CAST(${weekday} AS INTEGER)`)
  const yesterday = 'CASE WHEN weekday = 1 THEN 7 ELSE weekday - 1 END'
  const isInside = `CASE WHEN from_minute < to_minute THEN minute >= from_minute AND minute < to_minute AND ${on('weekday')}
    ELSE (minute >= from_minute AND ${on('weekday')}) OR (minute < to_minute AND ${on(yesterday)}) END`
  const why = words.joined([timeOfDay(words), words.text(', outside the hours of the rule')])
  return `(SELECT baseline, event_id, event_time, fields, selections, ${words.because(words.text('event_time'), why)} AS because
  FROM ${clocked(compared, words, 's.from_minute IS NOT NULL')} WHERE NOT (${isInside}))`
}

/**
 * The hour and its neighbours are looked up on days of the same kind (Monday to Friday, or the weekend) before the day of the event; each
 * day is its hours as bits, so that a replay of months stays small.
 */
function ownHoursSql(compared: Compared): string {
  const { batch, settings, habits, dialect } = compared
  const words = new Words(dialect)
  const ms = dialect.epochMs
  const bit = (hour: string): string => `CAST(power(2, (${hour}) % 24) AS BIGINT)`
  const why = words.joined([
    timeOfDay(words),
    words.text('; around this hour on '),
    words.number('usual'),
    words.text(' of '),
    words.number('alike'),
    `CASE WHEN weekday > 5 THEN ${words.text(' weekend days')} ELSE ${words.text(' working days')} END`,
    words.text(' known since '),
    words.day('since'),
  ])
  return `(WITH mine AS ${clocked(compared, words, 's.from_minute IS NULL')},
  rows_known AS (SELECT h.baseline, h.by_key, h.hour, h.first_time FROM ${habits} h
    WHERE (h.baseline, h.by_key) IN (SELECT e.baseline, e.by_key FROM ${batch} e WHERE e.type = 'off_hours')),
  clocks AS (SELECT baseline, hour, CAST(clock AS DATE) AS day, ${dialect.dayOfWeek('clock')} > 5 AS is_weekend,
    ${bit(`${dialect.minuteOfDay('clock')} // 60`)} AS hours
    FROM (SELECT k.baseline, k.hour, ${dialect.clockIn('s.zone', 'k.hour')} AS clock
      FROM (SELECT DISTINCT baseline, hour FROM rows_known) k JOIN ${settings} s ON s.baseline = k.baseline)),
  days AS (SELECT k.baseline, k.by_key, c.day, c.is_weekend, bit_or(c.hours) AS hours, min(k.first_time) AS first_time
    FROM rows_known k JOIN clocks c ON c.baseline = k.baseline AND c.hour = k.hour GROUP BY k.baseline, k.by_key, c.day, c.is_weekend),
  tested AS (SELECT DISTINCT baseline, by_key, day, reach_ms, weekday > 5 AS is_weekend, minute // 60 AS hour_of_day,
    ${bit('minute // 60 + 23')} | ${bit('minute // 60')} | ${bit('minute // 60 + 1')} AS around FROM mine),
  habits AS (SELECT t.baseline, t.by_key, t.day, t.hour_of_day, min(d.first_time) AS since, count(*) AS known,
    count(*) FILTER (WHERE d.is_weekend = t.is_weekend) AS alike,
    count(*) FILTER (WHERE d.is_weekend = t.is_weekend AND (d.hours & t.around) <> 0) AS usual
    FROM days d JOIN tested t ON d.baseline = t.baseline AND d.by_key = t.by_key AND d.day < t.day
      AND ${ms('CAST(d.day AS TIMESTAMP)')} >= ${ms('CAST(t.day AS TIMESTAMP)')} - t.reach_ms
    GROUP BY t.baseline, t.by_key, t.day, t.hour_of_day)
  SELECT baseline, event_id, event_time, fields, selections, ${words.because(words.text('event_time'), why)} AS because
  FROM (SELECT m.*, h.since, h.known, h.alike, h.usual FROM mine m
    JOIN habits h ON h.baseline = m.baseline AND h.by_key = m.by_key AND h.day = m.day AND h.hour_of_day = m.minute // 60)
  WHERE known >= ${FEWEST_DAYS} AND usual <= coalesce(share, ${DEFAULT_SHARE}) * alike
    AND ${ms('since')} <= ${ms('event_time')} - learn_ms)`
}
