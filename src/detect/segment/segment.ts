/** Accesses from one environment into another, as matches of a rule of its own. How to: docs/how-to/segmentation.md. */
import { createHash } from 'node:crypto'
import type { Engine } from '../../engine/duckdb.ts'
import type { PackRule } from '../pack/pack.ts'
import { MATCH_COLUMNS } from '../state.ts'
import { crossingsSql } from './crossings.ts'
import type { Environment } from './environments.ts'

/** Key of the rule that crossings are matches of. */
export const SEGMENT_RULE = 'environment-crossing'

/** The table that {@link segmentMatches} fills, of the columns that matches have. */
export const SEGMENT_TABLE = 'temp.segment_matches'

/**
 * Fills {@link SEGMENT_TABLE} with a match for each event of a relation that reaches from one environment into another where that is
 * not allowed: `selections` has the sides (`development → production`), `because` what puts the event on each, and `fields` has
 * `actor.email`, `workspace_id`, `environment.from`, `environment.to` and `object`.
 *
 * @returns how many there are
 */
export async function segmentMatches(
  engine: Engine,
  environments: readonly Environment[],
  relation: string,
): Promise<number> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE segment_matches (${MATCH_COLUMNS})`)
  if (environments.length < 2) return 0
  await engine.run(`INSERT INTO ${SEGMENT_TABLE} ${crossingsSql(environments, relation, SEGMENT_RULE)}`)
  const { n } = await engine.row(`SELECT count(*)::INTEGER AS n FROM ${SEGMENT_TABLE}`)
  return Number(n)
}

/** What the findings are told by. As a rule it matches no event: its matches come from {@link segmentMatches}. */
export function segmentRule(environments: readonly Environment[], file = 'detect.yaml'): PackRule {
  const none = { tags: ['attack.exfiltration', 'attack.lateral-movement'], references: [], fields: [], scope: [] }
  return {
    key: SEGMENT_RULE,
    version: createHash('sha256').update(JSON.stringify(environments)).digest('hex').slice(0, 16),
    rule: {
      kind: 'detection',
      meta: {
        ...none,
        title: 'Access from one environment into another',
        name: SEGMENT_RULE,
        level: 'high',
        description:
          'Somebody, or a workspace, of one declared environment reached what belongs to another, and no crossing between the two is allowed.',
        falsePositives: ['A crossing that is meant and not yet declared under `may_reach`'],
        related: [],
        custom: {},
        place: { file, line: 1, column: 1 },
      },
      logsource: { product: 'databricks' },
      tree: { kind: 'or', nodes: [] },
      unused: [],
    },
    level: 'high',
    feeds: false,
    content: {
      threat: 'data-access',
      covers: [],
      controls: CONTROLS,
      entity: 'actor.email',
      parameters: [],
      runbook: RUNBOOK,
      fires: [],
      silent: [],
      unlisted: [],
    },
    file,
    isShipped: false,
  }
}

const CONTROLS: PackRule['content']['controls'] = {
  soc2: ['CC6.1', 'CC6.6'],
  iso27001: ['A.8.22', 'A.8.31'],
  nist80053: ['AC-4', 'SC-7'],
  pci: ['6.5.3', '7.2'],
  hipaa: ['164.312(a)(1)'],
  gdpr: ['Art. 32'],
}

const RUNBOOK: PackRule['content']['runbook'] = [
  {
    title: 'What else they reached, from which workspaces',
    sql: `SELECT event_time, workspace_id, service, action, targets, status FROM events WHERE actor.email = :entity AND event_time BETWEEN :from AND :to ORDER BY event_time`,
  },
  {
    title: 'Who gave them access in the week before',
    sql: `SELECT event_time, actor.email, action, targets FROM events WHERE verb = 'grant' AND list_contains(list_transform(targets, lambda t: t.principal), :entity) AND event_time BETWEEN CAST(:from AS TIMESTAMPTZ) - INTERVAL 7 DAY AND CAST(:to AS TIMESTAMPTZ) ORDER BY event_time`,
  },
]
