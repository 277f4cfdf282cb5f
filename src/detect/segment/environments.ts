/**
 * Environments: parts of an account that are kept apart, as `detect.yaml` declares them, and the crossings between them that are
 * allowed. How to: docs/how-to/segmentation.md.
 */
import { AppError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import { isYamlList, isYamlMap, type YamlValue } from '../../core/yaml/documents.ts'
import { placeText, type ValuePath } from '../../core/yaml/place.ts'
import type { OpenSettings } from '../pack/settings.ts'
import { storageKey } from './storage.ts'

/** A way into another environment that is allowed. */
export interface Crossing {
  /** Name of the environment that may be reached. */
  readonly environment: string
  /** Patterns of who may; empty for everybody. */
  readonly principals: readonly string[]
}

/** A part of the account. All lists but `storage` are of patterns with `*` and `?`, compared without case. */
export interface Environment {
  readonly name: string
  readonly workspaces: readonly string[]
  readonly catalogs: readonly string[]
  /** `catalog.schema`. */
  readonly schemas: readonly string[]
  /** Prefixes of storage paths, in the form of `storageKey`. */
  readonly storage: readonly string[]
  readonly groups: readonly string[]
  readonly principals: readonly string[]
  readonly mayReach: readonly Crossing[]
}

/** Environments and limited crossings are bits of a number. */
const MOST = 62

const LISTS = ['workspaces', 'catalogs', 'schemas', 'storage', 'groups', 'principals'] as const
const KEYS = ['name', ...LISTS, 'may_reach'] as const

type ListName = (typeof LISTS)[number]

/**
 * The key `environments` of the settings, checked; none where there is no such key.
 *
 * @throws AppError BAD_HOME with file, line and column
 */
export function readEnvironments(settings: OpenSettings | undefined): readonly Environment[] {
  const value = settings?.value ?? null
  if (settings === undefined || value === null) return []
  const fail: Fail = (path, what, hint) => {
    const where = placeText(settings.report.placeOf(path))
    throw new AppError('BAD_HOME', `${where}: ${keyText(path)} ${what}.`, { where, hint })
  }
  if (!isYamlList(value)) return fail(['environments'], 'is no list', 'Give a list of maps with `name`.')
  const environments = value.map((each, at) => readOne(each, ['environments', at], fail))
  checkNames(environments, fail)
  const limited = environments.flatMap(({ mayReach }) => mayReach).filter(({ principals }) => principals.length > 0)
  if (environments.length > MOST || limited.length > MOST)
    fail(
      ['environments'],
      `has more than ${MOST} entries, or as many crossings for some principals only`,
      'Use patterns.',
    )
  return environments
}

const keyText = (path: ValuePath): string =>
  path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')

type Fail = (path: ValuePath, what: string, hint: string) => never

function readOne(value: YamlValue | undefined, at: ValuePath, fail: Fail): Environment {
  if (!isYamlMap(value)) return fail(at, 'is no map', 'Give `name` and what belongs to it.')
  for (const key of Object.keys(value)) {
    if ((KEYS as readonly string[]).includes(key)) continue
    const [near] = nearest(key, KEYS)
    fail([...at, key], 'is not known', near === undefined ? `Known are ${KEYS.join(', ')}.` : `Did you mean ${near}?`)
  }
  const { name } = value
  if (typeof name !== 'string' || name.trim() === '')
    return fail([...at, 'name'], 'is missing or no text', 'Give each environment a name.')
  const lists = Object.fromEntries(LISTS.map((list) => [list, textsOf(value[list], [...at, list], fail)])) as Record<
    ListName,
    string[]
  >
  if (LISTS.every((list) => lists[list].length === 0))
    fail(at, 'has nothing that belongs to it', `Give at least one of ${LISTS.join(', ')}.`)
  lists.schemas.forEach((schema, index) => {
    if (!/^[^.]+\.[^.]+$/.test(schema))
      fail(
        [...at, 'schemas', index],
        `is "${schema}", no catalog.schema`,
        'Write both, such as main.finance or *.finance.',
      )
  })
  const storage = lists.storage.map((path, index) => storageOf(path, [...at, 'storage', index], fail))
  return { ...lists, name, storage, mayReach: crossingsOf(value.may_reach, [...at, 'may_reach'], fail) }
}

function storageOf(path: string, at: ValuePath, fail: Fail): string {
  if (/[*?]/.test(path)) fail(at, `is "${path}"; paths are no patterns`, 'Give the path that all others begin with.')
  const key = storageKey(path)
  if (key === undefined)
    fail(
      at,
      `is "${path}", no storage path`,
      'Write it with its scheme, such as s3://bucket/folder; volumes belong to schemas.',
    )
  return key ?? ''
}

function crossingsOf(value: YamlValue | undefined, at: ValuePath, fail: Fail): Crossing[] {
  if (value === undefined || value === null) return []
  const list = isYamlList(value) ? value : [value]
  return list.map((each, index) => {
    if (typeof each === 'string') return { environment: each, principals: [] }
    const place = [...at, index]
    if (!isYamlMap(each) || typeof each.environment !== 'string')
      return fail(place, 'names no environment', 'Give a name, or a map with `environment` and `principals`.')
    const other = Object.keys(each).find((key) => key !== 'environment' && key !== 'principals')
    if (other !== undefined) fail([...place, other], 'is not known', 'Known are environment and principals.')
    const principals = textsOf(each.principals, [...place, 'principals'], fail)
    // An emptied list must not open the crossing to everybody.
    if (each.principals !== undefined && principals.length === 0)
      fail([...place, 'principals'], 'is empty', 'Name who may cross, or leave the key out if everybody may.')
    return { environment: each.environment, principals }
  })
}

function checkNames(environments: readonly Environment[], fail: Fail): void {
  const names = environments.map(({ name }) => name)
  environments.forEach(({ name, mayReach }, at) => {
    if (names.indexOf(name) !== at)
      fail(['environments', at, 'name'], `is "${name}" again`, 'Give each a name of its own.')
    mayReach.forEach(({ environment }, index) => {
      if (names.includes(environment)) return
      const [near] = nearest(environment, names)
      const hint = near === undefined ? `Declared are ${names.join(', ')}.` : `Did you mean ${near}?`
      fail(['environments', at, 'may_reach', index], `names "${environment}", which is not declared`, hint)
    })
  })
}

/** Texts, or one alone; ids of workspaces may be written as numbers. */
function textsOf(value: YamlValue | undefined, at: ValuePath, fail: Fail): string[] {
  if (value === undefined || value === null) return []
  return (isYamlList(value) ? value : [value]).map((each, index) => {
    const text = typeof each === 'string' || typeof each === 'bigint' || Number.isSafeInteger(each) ? String(each) : ''
    if (text.trim() === '') fail([...at, index], 'is no text', 'Give texts; ids of workspaces in quotes.')
    return text.trim()
  })
}
