/** What a home detects by: the rule pack as its settings have it, and its environments. */
import type { Home } from '../../core/home.ts'
import { loadPack } from '../pack/load.ts'
import type { PackRule, RulePack } from '../pack/pack.ts'
import { type Environment, readEnvironments } from '../segment/environments.ts'
import { SEGMENT_RULE } from '../segment/segment.ts'

/** Product of the log source that events are of. */
export const PRODUCT = 'databricks'

/** Rules and environments of a site. */
export interface Site {
  readonly pack: Pick<RulePack, 'problems'> & { readonly rules: readonly PackRule[] }
  readonly environments: readonly Environment[]
  /** Seconds after which a rule is left out, where the site says. */
  readonly timeoutSecs?: number
}

/** Environments whose crossings are told: none where that rule is disabled, or is not among those chosen. */
export const environmentsInForce = ({
  rules,
  settings,
}: Pick<RulePack, 'rules' | 'settings'>): readonly Environment[] =>
  rules.some(({ key }) => key === SEGMENT_RULE) ? readEnvironments(settings.environments) : []

/** How long the settings let a rule take; the usual time where they do not say. */
export const timeoutOf = ({ settings }: Pick<RulePack, 'settings'>): { readonly timeoutSecs?: number } =>
  settings.timeoutSecs === undefined ? {} : { timeoutSecs: settings.timeoutSecs }

/**
 * Loads what a home detects by.
 * @throws AppError BAD_HOME for settings that cannot be used
 */
export async function siteOf(home: Home): Promise<Site> {
  const pack = await loadPack({ settingsFile: home.detectSettings, product: PRODUCT, examples: false })
  return { pack, environments: environmentsInForce(pack), ...timeoutOf(pack) }
}
