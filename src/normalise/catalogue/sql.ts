/** The catalogue as a table to join events with. */
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { catalogue } from './catalogue.ts'
import { overrideNumber } from './overrides.ts'
import { spellings } from './spellings.ts'
import { planNumbers } from './targets.ts'

export { fallbackSql } from './fallback.ts'
export { overrideSql } from './overrides.ts'
export { withTargetsSql } from './targets.ts'

/** Name of the table {@link loadCatalogue} makes. */
export const CATALOGUE_TABLE = 'catalogue_actions'

const COLUMNS = {
  service_lower: 'VARCHAR',
  action: 'VARCHAR',
  action_lower: 'VARCHAR',
  category: 'VARCHAR',
  verb: 'VARCHAR',
  key_event: 'VARCHAR',
  uam_action: 'VARCHAR',
  uam_target_type: 'VARCHAR',
  ocsf_class_uid: 'INTEGER',
  ocsf_activity_id: 'INTEGER',
  target_plan: 'INTEGER',
  override: 'INTEGER',
} as const

/**
 * Makes the temporary table `catalogue_actions`: one row per service and action, spelled as usual and every other way
 * known. Join on `service_lower = lower(service) AND action_lower = lower(action)`, or on `action` as it stands if case
 * need not be forgiven; either pair is unique. `target_plan` is for `withTargetsSql`, `override` for `overrideSql`; both
 * are NULL for none.
 */
export async function loadCatalogue(engine: Engine): Promise<void> {
  // One literal that the engine splits: a tenth of the time of appending cell by cell.
  const columns = Object.entries(COLUMNS).map(
    ([name, type], place) => `nullif(cell[${place + 1}], '')::${type} AS ${name}`,
  )
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${CATALOGUE_TABLE} AS SELECT ${columns.join(', ')}
    FROM (SELECT string_split(unnest(string_split(${lit(rows().join('\n'))}, chr(10))), chr(9)) AS cell)`)
}

function rows(): string[] {
  const plans = planNumbers()
  return catalogue().flatMap((entry) => {
    const { category, verb, keyEvent, uam, ocsf, plan, override } = entry
    const said: Omit<Record<keyof typeof COLUMNS, string | number | null>, 'service_lower' | `action${string}`> = {
      category,
      verb,
      key_event: keyEvent,
      uam_action: uam.action,
      uam_target_type: uam.targetType,
      ocsf_class_uid: ocsf.classUid,
      ocsf_activity_id: ocsf.activityId,
      target_plan: plan === null ? null : (plans.get(plan) ?? null),
      override: overrideNumber(override),
    }
    const rest = Object.values(said).map((value) => value ?? '')
    return spellings(entry).map(({ service, action }) =>
      [service.toLowerCase(), action, action.toLowerCase(), ...rest].join('\t'),
    )
  })
}
