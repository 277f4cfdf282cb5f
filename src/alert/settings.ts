/** What a site decided about alerts: `alerts.yaml` of the home. How to: docs/how-to/work-with-alerts.md. */

import type { YamlDocument } from '../core/yaml/documents.ts'
import { settingsFrom, settingsText } from '../core/yaml/settings.ts'
import { Shape } from '../core/yaml/shape.ts'
import { LEVELS } from '../detect/sigma/rule.ts'
import type { Lasting } from './lasting.ts'
import type { Matcher, Surroundings } from './match.ts'
import { type RiskScores, USUAL_RISK } from './risk.ts'
import { type Route, routesOf } from './settings-routes.ts'
import {
  type Inhibition,
  inhibitionsOf,
  type KnownDestinations,
  type Maintenance,
  maintenanceOf,
  matcherOf,
  Reading,
} from './settings-when.ts'

/** Where a home's settings of alerts are. */
export const ALERTS_FILE = 'alerts.yaml'

/** The settings. */
export interface AlertSettings {
  readonly routes: readonly Route[]
  /** False where the routes are made up, because the file has none. */
  readonly hasRoutes: boolean
  readonly inhibitions: readonly Inhibition[]
  readonly maintenance: readonly Maintenance[]
  readonly teams: Surroundings['teams']
  readonly lasting: Lasting
  readonly risk: RiskScores
  /** Link to an alert; `{id}`, `{kind}`, `{rule}` and `{entity}` are filled in. */
  readonly url?: string
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** A false positive is one tomorrow too; what was benign once may not be again. Old logs that are taken in page nobody. */
const USUAL_LASTING: Lasting = {
  quietAfterMs: { benign: DAY_MS, false_positive: 7 * DAY_MS },
  reopenMs: 7 * DAY_MS,
  historyMs: 7 * DAY_MS,
}

const KEYS = [
  'time_zone',
  'url',
  'routes',
  'inhibit',
  'maintenance',
  'teams',
  'quiet_after',
  'reopen_within',
  'history_after',
  'risk',
]

/**
 * The settings of a file; the usual ones where there is none.
 * @throws AppError BAD_HOME with file, line and column
 */
export const readAlertSettings = async (file: string, destinations: KnownDestinations): Promise<AlertSettings> =>
  alertSettingsOf(await settingsText(file), file, destinations)

/**
 * Settings from a text.
 * @throws AppError BAD_HOME with file, line and column
 */
export const alertSettingsOf = (text: string, file: string, destinations: KnownDestinations): AlertSettings =>
  settingsFrom(
    text,
    file,
    (document) => fromDocument(document, destinations),
    () => usual(destinations),
  )

const usual = (destinations: KnownDestinations): AlertSettings => ({
  routes: usualRoutes(destinations),
  hasRoutes: false,
  inhibitions: [],
  maintenance: [],
  teams: [],
  lasting: USUAL_LASTING,
  risk: USUAL_RISK,
})

/** Without routes everything from `medium` on goes everywhere; the first run over old logs may find hundreds. */
const usualRoutes = ({ messages, keepOpen = [] }: KnownDestinations): Route[] =>
  messages.length === 0
    ? []
    : [
        {
          name: 'everything',
          when: { level: LEVELS.slice(LEVELS.indexOf('medium')) },
          to: messages,
          keepOpen,
          isLast: true,
          by: [],
          waitMs: 0,
          intervalMs: HOUR_MS,
          limit: { messages: 60, perMs: HOUR_MS },
          escalations: [],
        },
      ]

function fromDocument(document: YamlDocument, destinations: KnownDestinations): AlertSettings {
  const shape = new Shape(document.value, [], document).only(KEYS)
  const zone = new Reading('UTC').zone(shape, 'time_zone') ?? 'UTC'
  const reading = new Reading(zone)
  const url = shape.text('url')
  if (url !== undefined && !/^https?:\/\//.test(url))
    shape.error('url', `${url} is no web address.`, 'Write https://HOST/PATH/{id}.')
  const hasRoutes = shape.raw('routes') !== undefined
  const teams = teamsOf(shape.map('teams'))
  const routes = hasRoutes
    ? routesOf(
        shape,
        reading,
        destinations,
        teams.map(({ name }) => name),
      )
    : usualRoutes(destinations)
  return {
    routes,
    hasRoutes,
    inhibitions: inhibitionsOf(shape),
    maintenance: maintenanceOf(shape, reading),
    teams,
    lasting: lastingOf(shape, reading),
    risk: riskOf(shape.map('risk'), reading),
    ...(url === undefined ? {} : { url }),
  }
}

function teamsOf(shape: Shape | undefined): { name: string; when: Matcher }[] {
  return (shape?.keys ?? []).flatMap((name) => {
    const when = matcherOf(shape?.map(name), ['team'])
    return when === undefined ? [] : [{ name, when }]
  })
}

function lastingOf(shape: Shape, reading: Reading): Lasting {
  const quiet = shape.map('quiet_after')?.only(['benign', 'false_positive'])
  const of = (outcome: 'benign' | 'false_positive') =>
    (quiet === undefined ? undefined : reading.span(quiet, outcome)) ?? USUAL_LASTING.quietAfterMs[outcome]
  return {
    quietAfterMs: { benign: of('benign'), false_positive: of('false_positive') },
    reopenMs: reading.span(shape, 'reopen_within') ?? USUAL_LASTING.reopenMs,
    historyMs: reading.span(shape, 'history_after') ?? USUAL_LASTING.historyMs,
  }
}

function riskOf(shape: Shape | undefined, reading: Reading): RiskScores {
  if (shape === undefined) return USUAL_RISK
  shape.only(['levels', 'rules', 'most_per_rule', 'day_score', 'week_tactics', 'week_rules'])
  const levels = shape.map('levels')?.only(LEVELS)
  const rules = shape.map('rules')
  const number = (key: string) => reading.number(shape, key)
  return {
    levels: LEVELS.map(
      (level, at) => (levels === undefined ? undefined : reading.number(levels, level)) ?? USUAL_RISK.levels[at] ?? 0,
    ),
    rules: (rules?.keys ?? []).map((pattern) => ({
      pattern,
      score: (rules === undefined ? undefined : reading.number(rules, pattern)) ?? 0,
    })),
    mostPerRule: number('most_per_rule') ?? USUAL_RISK.mostPerRule,
    dayScore: number('day_score') ?? USUAL_RISK.dayScore,
    weekTactics: number('week_tactics') ?? USUAL_RISK.weekTactics,
    weekRules: number('week_rules') ?? USUAL_RISK.weekRules,
  }
}
