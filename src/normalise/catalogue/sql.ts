/** The catalogue as a table to join events with. */
import type { Engine } from '../../engine/duckdb.ts'
import { type ActionEntry, catalogue, services } from './catalogue.ts'
import { overrideNumber } from './overrides.ts'
import { planNumbers } from './targets.ts'

export { fallbackSql } from './fallback.ts'
export { overrideSql } from './overrides.ts'
export { targetsSql } from './targets.ts'

/** Name of the table {@link loadCatalogue} makes. */
export const CATALOGUE_TABLE = 'catalogue_actions'

/**
 * Makes the temporary table `catalogue_actions`: one row per service and action, spelled as usual and every other way
 * known. Join on `service_lower = lower(service) AND action_lower = lower(action)`, or on `action` as it stands if case
 * need not be forgiven; either pair is unique.
 *
 * Columns: `service_lower`, `action`, `action_lower`, `category`, `verb`, `key_event`, `uam_action`,
 * `uam_target_type` (VARCHAR), `ocsf_class_uid`, `ocsf_activity_id` (INTEGER), `target_plan` (for `targetsSql`) and
 * `override` (for `overrideSql`), both INTEGER and NULL for none.
 */
export async function loadCatalogue(engine: Engine): Promise<void> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${CATALOGUE_TABLE} (
    service_lower VARCHAR, action VARCHAR, action_lower VARCHAR, category VARCHAR, verb VARCHAR,
    key_event VARCHAR, uam_action VARCHAR, uam_target_type VARCHAR, ocsf_class_uid INTEGER, ocsf_activity_id INTEGER,
    target_plan INTEGER, override INTEGER)`)
  const plans = planNumbers()
  const appender = await engine.connection.createAppender(CATALOGUE_TABLE, 'main', 'temp')
  for (const entry of catalogue()) {
    for (const [service, action] of spellings(entry)) {
      const texts = [service.toLowerCase(), action, action.toLowerCase(), entry.category, entry.verb]
      for (const text of texts) appender.appendVarchar(text)
      if (entry.keyEvent === null) appender.appendNull()
      else appender.appendVarchar(entry.keyEvent)
      appender.appendVarchar(entry.uam.action)
      appender.appendVarchar(entry.uam.targetType)
      appender.appendInteger(entry.ocsf.classUid)
      appender.appendInteger(entry.ocsf.activityId)
      for (const number of [entry.plan === null ? null : plans.get(entry.plan), overrideNumber(entry.override)]) {
        if (number == null) appender.appendNull()
        else appender.appendInteger(number)
      }
      appender.endRow()
    }
  }
  appender.closeSync()
}

function spellings(entry: ActionEntry): readonly (readonly [string, string])[] {
  const aliases = serviceAliases().get(entry.service) ?? []
  return [entry.service, ...aliases].flatMap((service) =>
    [entry.action, ...entry.aliases].map((action) => [service, action] as const),
  )
}

const serviceAliases = (): ReadonlyMap<string, readonly string[]> =>
  new Map(services().map(({ service, aliases }) => [service, aliases]))
