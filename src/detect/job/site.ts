/** What a home detects by: the rule pack as its settings have it, and its environments. */
import type { Home } from '../../core/home.ts'
import { loadPack } from '../pack/load.ts'
import type { PackRule, RulePack } from '../pack/pack.ts'
import { type Environment, readEnvironments } from '../segment/environments.ts'
import { segmentRule } from '../segment/segment.ts'

/** Product of the log source that events are of. */
export const PRODUCT = 'databricks'

/** Rules and environments of a site. */
export interface Site {
  readonly pack: Pick<RulePack, 'problems'> & { readonly rules: readonly PackRule[] }
  readonly environments: readonly Environment[]
}

/**
 * Loads what a home detects by.
 * @throws AppError BAD_HOME for settings that cannot be used
 */
export async function siteOf(home: Home): Promise<Site> {
  const pack = await loadPack({ settingsFile: home.detectSettings, product: PRODUCT, examples: false })
  const environments = readEnvironments(pack.settings.environments)
  const own = environments.length === 0 ? [] : [segmentRule(environments, home.detectSettings)]
  return { pack: { problems: pack.problems, rules: [...pack.rules, ...own] }, environments }
}
