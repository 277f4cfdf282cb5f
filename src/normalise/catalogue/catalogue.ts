/**
 * The catalogue: what every known Databricks audit action means. The knowledge is data, one file a service in
 * `actions/`, one action a line; this module reads it once. `catalogue.test.ts` checks every entry.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** Where a target's type stands: fixed, or in a parameter of the record. */
export type TargetType = string | { readonly from: string; readonly else: string; readonly map?: string }

/**
 * One target of an action. Each field is an ordered list of alternatives, the first one there counts:
 * - `key`: that parameter; `param:key`: the same, for keys with a dot in them;
 * - `a.b.c`: parameters joined by dots; counts only if the last is there, missing leading parts are skipped;
 * - `key:$.path`: a JSON path into a parameter's text; `result:$.path`: into the response body. A path with `[*]`
 *   joins what it finds by commas;
 * - `key~last`, `key~first`: the part behind the last, before the first slash;
 * - `"text"`: that text, if a principal was found.
 */
export interface TargetSpec {
  readonly type: TargetType
  readonly id?: readonly string[]
  readonly name?: readonly string[]
  readonly principal?: readonly string[]
  readonly privilege?: readonly string[]
}

/** A named list of targets that actions share. */
export interface TargetPlan {
  readonly plan: string
  /** One of the few that most events of a busy account use; its SQL is made for speed. */
  readonly frequent?: boolean
  readonly targets: readonly TargetSpec[]
}

/** One case of an override: if the parameter's text matches, these words replace the entry's own. */
export interface OverrideCase {
  /** Alternative parameter keys; the first one present is tested. */
  readonly param: readonly string[]
  /** RE2 pattern, found anywhere in the text. */
  readonly matches: string
  readonly verb?: string
  readonly keyEvent?: string
  readonly category?: string
}

/** A named rule by which parameters change what an action means; the first matching case wins. */
export interface Override {
  readonly override: string
  readonly doc: string
  readonly cases: readonly OverrideCase[]
}

/** Class and activity that a complete record of the action becomes in OCSF 1.8.0; 99 is Other. */
export interface OcsfClass {
  readonly classUid: number
  readonly activityId: number
}

/** What is known of one action of one service. */
export interface ActionEntry {
  /** Service name as usually logged; compare without case. */
  readonly service: string
  /** Action name as usually logged; compare without case. */
  readonly action: string
  /** Other spellings of the action seen or documented. */
  readonly aliases: readonly string[]
  readonly category: string
  readonly verb: string
  readonly keyEvent: string | null
  /** Name of the target plan; null if the record names no target. */
  readonly plan: string | null
  readonly targets: readonly TargetSpec[]
  readonly override: string | null
  readonly uam: { readonly action: string; readonly targetType: string }
  readonly ocsf: OcsfClass
  readonly level: 'workspace' | 'account' | 'both'
  /** Logged only while verbose audit logs are on. */
  readonly verbose: boolean
  /** Only from features that Databricks has retired. */
  readonly legacy: boolean
  /** Clouds it is limited to; empty for all. */
  readonly clouds: readonly string[]
  readonly description: string
  /** Parameter keys known to appear; not complete. */
  readonly params: readonly string[]
  readonly evidence: 'documented' | 'code' | 'recalled'
  /** Ids of {@link sources}. */
  readonly sources: readonly string[]
}

/** A service: what it is about, and the category of actions of it that nobody has listed. */
export interface ServiceEntry {
  readonly service: string
  readonly aliases: readonly string[]
  readonly category: string
  readonly doc: string
}

interface ServiceFile extends ServiceEntry {
  readonly actions: readonly RawAction[]
}

type RawAction = Pick<
  ActionEntry,
  'action' | 'category' | 'verb' | 'keyEvent' | 'level' | 'evidence' | 'description' | 'params'
> & {
  readonly targets: string | null
  readonly uam: readonly [string, string]
  readonly ocsf: readonly [number, number]
} & Partial<Pick<ActionEntry, 'aliases' | 'override' | 'verbose' | 'legacy' | 'clouds' | 'sources'>>

const readJson = <T>(path: string): T => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as T

/** A function that makes its value at the first call and keeps it. */
export const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

const files = once(() =>
  readdirSync(new URL('actions/', import.meta.url))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => readJson<ServiceFile>(`actions/${name}`)),
)

/** Every target plan, most frequent in real logs first. */
export const targetPlans = once(() => readJson<readonly TargetPlan[]>('target-plans.json'))

/** Every override. */
export const overrides = once(() => readJson<readonly Override[]>('overrides.json'))

/** Maps from words in records to target types, by name. */
export const typeMaps = once(() =>
  readJson<Readonly<Record<string, Readonly<Record<string, string>>>>>('type-maps.json'),
)

/** What the evidence of entries refers to: id → title or address. */
export const sources = once(() => readJson<Readonly<Record<string, string>>>('sources.json'))

/** Every service, by name. */
export const services = once((): readonly ServiceEntry[] =>
  files().map(({ service, aliases, category, doc }) => ({ service, aliases, category, doc })),
)

/** Every action, by service and name. Loaded once. */
export const catalogue = once((): readonly ActionEntry[] => {
  const plans = new Map(targetPlans().map((plan) => [plan.plan, plan.targets]))
  return files().flatMap(({ service, actions }) => actions.map((raw) => entryOf(service, raw, plans)))
})

function entryOf(service: string, raw: RawAction, plans: ReadonlyMap<string, readonly TargetSpec[]>): ActionEntry {
  const { targets: plan, uam, ocsf, ...same } = raw
  return {
    aliases: [],
    override: null,
    verbose: false,
    legacy: false,
    clouds: [],
    sources: [],
    ...same,
    service,
    plan,
    targets: plan === null ? [] : (plans.get(plan) ?? []),
    uam: { action: uam[0], targetType: uam[1] },
    ocsf: { classUid: ocsf[0], activityId: ocsf[1] },
  }
}
