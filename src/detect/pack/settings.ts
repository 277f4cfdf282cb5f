/** What a site decided about detection: `detect.yaml` of the home. Format: docs/design/007-detection.md. */

import { dirname, resolve } from 'node:path'
import { isYamlList, isYamlMap, type YamlDocument, type YamlMap, type YamlValue } from '../../core/yaml/documents.ts'
import type { Place, Reporter } from '../../core/yaml/place.ts'
import { settingsFrom, settingsText } from '../../core/yaml/settings.ts'
import { isPlain, Shape } from '../../core/yaml/shape.ts'
import { isTimeZone } from '../baseline/hours.ts'
import { LEVELS, type Level } from '../sigma/rule.ts'
import { timespanSecs } from '../sigma/timespan.ts'

/** A path or name with where it was written. */
export interface Given {
  readonly text: string
  readonly place: Place
}

/** What a site changes of a rule. */
export interface Override {
  /** Id, name or file name of the rule. */
  readonly name: string
  readonly level?: Level
  readonly parameters: YamlMap
  readonly place: Place
  /** Where a parameter was written. */
  readonly placeOf: (parameter: string) => Place
}

/** Where the entries of a watchlist are. */
export interface WatchlistSource {
  readonly name: string
  /** Entries written into the settings. */
  readonly entries?: readonly string[]
  /** A file of them, and for CSV the column. */
  readonly file?: string
  readonly column?: string
  readonly place: Place
}

/** Settings of a part of the program that reads them itself. */
export interface OpenSettings {
  readonly value: YamlValue
  /** Takes paths from the top of the file. */
  readonly report: Reporter
}

/** The settings, with paths made absolute. */
export interface DetectSettings {
  readonly folders: readonly Given[]
  readonly shipped: boolean
  readonly disabled: readonly Given[]
  readonly overrides: readonly Override[]
  readonly watchlists: readonly WatchlistSource[]
  readonly pipelines: readonly Given[]
  /** Name of the IANA database; of off hours. */
  readonly timeZone?: string
  /** Seconds after which a rule is left out of a batch. */
  readonly timeoutSecs?: number
  /** Of segmentation, as written. */
  readonly environments?: OpenSettings
}

/** Without a file the shipped rules are run as they are. */
export const DEFAULT_SETTINGS: DetectSettings = {
  folders: [],
  shipped: true,
  disabled: [],
  overrides: [],
  watchlists: [],
  pipelines: [],
}

const KEYS = [
  'rules',
  'shipped',
  'disabled',
  'overrides',
  'watchlists',
  'pipelines',
  'time_zone',
  'rules_timeout',
  'environments',
]

/** Less would leave out rules for what the machine does beside them. */
const LEAST_TIMEOUT_SECS = 5

/** A rule that takes an hour holds up all others for as long. */
const MOST_TIMEOUT_SECS = 3600

/**
 * The settings of a file; the defaults where there is none.
 * @throws AppError BAD_HOME with file, line and column
 */
export const readSettings = async (file: string): Promise<DetectSettings> => settingsOf(await settingsText(file), file)

/**
 * Settings from a text; paths in it are relative to its file.
 * @throws AppError BAD_HOME with file, line and column
 */
export const settingsOf = (text: string, file: string): DetectSettings =>
  settingsFrom(text, file, fromDocument, () => DEFAULT_SETTINGS)

function fromDocument(document: YamlDocument): DetectSettings {
  const shape = new Shape(document.value, [], document).only(KEYS)
  const folder = dirname(document.file)
  const given = (key: string): Given[] => {
    const isList = isYamlList(shape.raw(key))
    return shape.texts(key).map((text, at) => ({ text, place: document.placeOf(isList ? [key, at] : [key]) }))
  }
  const paths = (key: string) => given(key).map((each) => ({ ...each, text: resolve(folder, each.text) }))
  const timeZone = zoneOf(shape)
  const timeoutSecs = timeoutOf(shape)
  const environments = shape.raw('environments')
  return {
    folders: paths('rules'),
    shipped: shape.truth('shipped') ?? true,
    disabled: given('disabled'),
    overrides: overridesOf(shape.map('overrides'), document),
    watchlists: watchlistsOf(shape.map('watchlists'), document, folder),
    pipelines: paths('pipelines'),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(timeoutSecs === undefined ? {} : { timeoutSecs }),
    ...(environments === undefined ? {} : { environments: { value: environments, report: document } }),
  }
}

function zoneOf(shape: Shape): string | undefined {
  const zone = shape.text('time_zone')
  if (zone === undefined || isTimeZone(zone)) return zone
  return shape.error('time_zone', `${zone} is no time zone.`, 'Write a name such as Europe/Berlin or UTC.')
}

function timeoutOf(shape: Shape): number | undefined {
  const span = shape.text('rules_timeout')
  if (span === undefined) return undefined
  const secs = timespanSecs(span)
  if (secs !== undefined && secs >= LEAST_TIMEOUT_SECS && secs <= MOST_TIMEOUT_SECS) return secs
  return shape.error(
    'rules_timeout',
    `${span} is no time that a rule may take.`,
    `Write a span from ${LEAST_TIMEOUT_SECS}s to 1h, such as 2m.`,
  )
}

function overridesOf(shape: Shape | undefined, document: YamlDocument): Override[] {
  return (shape?.keys ?? []).flatMap((name) => {
    const override = shape?.map(name)?.only(['level', 'parameters'])
    if (override === undefined) return []
    const level = override.choice('level', LEVELS)
    const parameters = override.raw('parameters')
    if (parameters !== undefined && override.map('parameters') === undefined) return []
    const path = ['overrides', name]
    return {
      name,
      ...(level === undefined ? {} : { level }),
      parameters: isYamlMap(parameters) ? parameters : {},
      place: document.placeOf(path),
      placeOf: (parameter: string) => document.placeOf([...path, 'parameters', parameter]),
    }
  })
}

function watchlistsOf(shape: Shape | undefined, document: YamlDocument, folder: string): WatchlistSource[] {
  return (shape?.keys ?? []).flatMap((name): WatchlistSource[] => {
    const value = shape?.raw(name)
    const place = document.placeOf(['watchlists', name])
    if (!/^[\w.-]+$/.test(name)) {
      shape?.error(name, `${name} is no name of a watchlist.`, 'Use letters, digits, _, . and -.')
      return []
    }
    if (isYamlList(value)) return [{ name, place, entries: shape?.texts(name) ?? [] }]
    if (value === undefined || isPlain(value) || value === null) {
      shape?.error(name, `The watchlist ${name} is neither a list nor a file.`, 'Write a list, or `file:` below it.')
      return []
    }
    const source = shape?.map(name)?.only(['file', 'column'])
    const file = source?.needed('file')
    const column = source?.text('column')
    if (file === undefined) return []
    return [{ name, place, file: resolve(folder, file), ...(column === undefined ? {} : { column }) }]
  })
}
