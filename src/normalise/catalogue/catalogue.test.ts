import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { keysOf, parseAlternative } from './alternatives.ts'
import {
  type ActionEntry,
  catalogue,
  overrides,
  services,
  sources,
  type TargetSpec,
  targetPlans,
  typeMaps,
} from './catalogue.ts'
import { CATEGORIES, EVIDENCE, KEY_EVENTS, TARGET_TYPES, type Term, VERBS } from './vocabulary.ts'

const names = (terms: readonly Term[]): ReadonlySet<string> => new Set(terms.map(({ name }) => name))
const idOf = (entry: ActionEntry): string => `${entry.service}.${entry.action}`
const failing = (wrong: (entry: ActionEntry) => boolean): string[] => catalogue().filter(wrong).map(idOf)
const fieldsOf = (spec: TargetSpec): string[] =>
  [spec.id, spec.name, spec.principal, spec.privilege].flatMap((f) => f ?? [])

/**
 * Parameters that no listed action of a plan is known to have, but that its family has: access lists, group events,
 * sharing requests and tokens are logged alike by several services.
 */
const FAMILY_KEYS = new Set([
  'aclPermissionSet',
  'resourceId',
  'targetUserId',
  'targetUserName',
  'registeredModelId',
  'share',
  'schema',
  'name',
  'tokenId',
])

/** The other spelling of a key: camelCase for snake_case and back. */
const twin = (key: string): string =>
  key.includes('_')
    ? key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    : key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

describe('every entry', () => {
  it('uses only words of the closed lists', () => {
    const [categories, verbs, keyEvents, evidence] = [CATEGORIES, VERBS, KEY_EVENTS, EVIDENCE].map(names)
    expect(failing(({ category }) => !categories?.has(category) || category === 'unknown')).toEqual([])
    expect(failing(({ verb }) => !verbs?.has(verb) || verb === 'unknown')).toEqual([])
    expect(failing(({ keyEvent }) => keyEvent !== null && !keyEvents?.has(keyEvent))).toEqual([])
    expect(failing((entry) => !evidence?.has(entry.evidence))).toEqual([])
    expect(failing(({ level }) => !['workspace', 'account', 'both'].includes(level))).toEqual([])
    expect(failing(({ clouds }) => clouds.some((cloud) => !['aws', 'azure', 'gcp'].includes(cloud)))).toEqual([])
  })

  it('has a description, and a source unless it is recalled', () => {
    expect(failing(({ description }) => description.length < 5 || description.endsWith('.'))).toEqual([])
    expect(failing((entry) => entry.evidence !== 'recalled' && entry.sources.length === 0)).toEqual([])
    expect(failing((entry) => entry.sources.some((id) => !(id in sources())))).toEqual([])
  })

  it('is the only one with its service and any of its spellings, whatever the case', () => {
    const aliases = new Map(services().map((each) => [each.service, each.aliases]))
    const spellings = catalogue().flatMap((entry) =>
      [entry.service, ...(aliases.get(entry.service) ?? [])].flatMap((service) =>
        [entry.action, ...entry.aliases].map((action) => `${service}.${action}`.toLowerCase()),
      ),
    )
    expect(spellings.filter((each, place) => spellings.indexOf(each) !== place)).toEqual([])
  })

  it('names a plan and an override that exist', () => {
    const [plans, known] = [new Set(targetPlans().map(({ plan }) => plan)), new Set(overrides().map((o) => o.override))]
    expect(failing(({ plan }) => plan !== null && !plans.has(plan))).toEqual([])
    expect(failing(({ override }) => override !== null && !known.has(override))).toEqual([])
  })

  it('gives an OCSF 1.8.0 class and an activity of that class', () => {
    const path = new URL('ocsf-activities.json', import.meta.url)
    const classes: Record<string, { activities: Record<string, string> }> = JSON.parse(readFileSync(path, 'utf8'))
    expect(failing(({ ocsf }) => classes[ocsf.classUid]?.activities[ocsf.activityId] === undefined)).toEqual([])
  })

  it('gives a UAM action and target type in capitals', () => {
    expect(failing(({ uam }) => !/^[A-Z_]+$/.test(uam.action) || !/^[A-Z_]+$/.test(uam.targetType))).toEqual([])
  })

  it('finds a target in its own known parameters or in the response, if it has a plan and its parameters are known', () => {
    const lost = failing((entry) => {
      const alternatives = entry.targets
        .flatMap((spec) => [...(spec.id ?? []), ...(spec.name ?? [])])
        .map(parseAlternative)
      const fromResponse = alternatives.some((each) => each.kind === 'json' && each.key === null)
      const decisive = alternatives.flatMap((each) => keysOf(each).slice(-1))
      return (
        entry.plan !== null &&
        entry.params.length > 0 &&
        !fromResponse &&
        !decisive.some((key) => entry.params.includes(key))
      )
    })
    expect(lost).toEqual([])
  })
})

describe('services', () => {
  it('have a category of the closed list and a line of explanation', () => {
    const categories = names(CATEGORIES)
    expect(services().filter(({ category, doc }) => !categories.has(category) || doc.length < 3)).toEqual([])
  })
})

describe('target plans', () => {
  const entriesOf = (plan: string): ActionEntry[] => catalogue().filter((entry) => entry.plan === plan)

  it('are each used, by one name', () => {
    const all = targetPlans().map(({ plan }) => plan)
    expect(new Set(all).size).toBe(all.length)
    expect(all.filter((plan) => entriesOf(plan).length === 0)).toEqual([])
  })

  it('use target types of the closed list', () => {
    const known = names(TARGET_TYPES)
    const types = targetPlans().flatMap(({ targets }) =>
      targets.flatMap(({ type }) =>
        typeof type === 'string' ? [type] : [type.else, ...Object.values(typeMaps()[type.map ?? ''] ?? {})],
      ),
    )
    expect(types.filter((type) => !known.has(type))).toEqual([])
    expect([...known].filter((type) => !types.includes(type))).toEqual([])
  })

  it('read only parameters that an action of theirs is known to have, in one of its spellings', () => {
    const unknown = targetPlans().flatMap(({ plan, targets }) => {
      const params = new Set(entriesOf(plan).flatMap((entry) => entry.params))
      const keys = targets.flatMap((spec) => [
        ...(typeof spec.type === 'string' ? [] : [spec.type.from]),
        ...fieldsOf(spec),
      ])
      return keys
        .flatMap((text) => keysOf(parseAlternative(text)))
        .filter((key) => ![key, twin(key)].some((each) => params.has(each) || FAMILY_KEYS.has(each)))
        .map((key) => `${plan}: ${key}`)
    })
    expect(unknown).toEqual([])
  })

  it('hold none of the characters that part their recipes', () => {
    const texts = targetPlans().flatMap(({ targets }) => targets.flatMap(fieldsOf))
    expect(texts.filter((text) => /[|;\n]/.test(text))).toEqual([])
  })

  it('have an id or a name in every target', () => {
    expect(targetPlans().filter(({ targets }) => targets.some((spec) => !spec.id && !spec.name))).toEqual([])
  })
})

describe('overrides', () => {
  it('use words of the closed lists and are each used', () => {
    const [categories, verbs, keyEvents] = [CATEGORIES, VERBS, KEY_EVENTS].map(names)
    for (const { override, cases } of overrides()) {
      expect(
        catalogue().some((entry) => entry.override === override),
        override,
      ).toBe(true)
      for (const each of cases) {
        if (each.verb !== undefined) expect(verbs).toContain(each.verb)
        if (each.keyEvent !== undefined) expect(keyEvents).toContain(each.keyEvent)
        if (each.category !== undefined) expect(categories).toContain(each.category)
      }
    }
  })
})
