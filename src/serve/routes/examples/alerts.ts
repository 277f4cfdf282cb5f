/** Examples of findings, alerts and silences in the API's description. */
import type { AlertDetail, AlertRow, FindingDetail, FindingRow, SilenceRow } from '../../shapes/alerts.ts'

/** A finding in a list. */
export const FINDING_ROW: FindingRow = {
  id: '5f0c6a0e4b8d42f79a0f3f6f2f1f7a55',
  level: 'high',
  title: 'Account admin granted',
  ruleId: '0c1e7f5e-3a6f-4bb6-8a55-0b9f3f0a5d11',
  threat: 'privilege-escalation',
  entity: 'ana@example.com',
  entityField: 'actor.email',
  firstTime: '2026-11-12T08:15:30.000Z',
  lastTime: '2026-11-12T08:15:30.000Z',
  events: 1,
  summary: 'ana@example.com granted account admin to bob@example.com.',
}

const RUNBOOK: FindingDetail['runbook'] = [
  {
    title: 'What it did around that time',
    sql: null,
    q: 'actor:ana@example.com',
    from: '2026-11-11T20:15:30.000Z',
    to: '2026-11-12T20:15:30.000Z',
  },
]

/** A finding in full. */
export const FINDING: FindingDetail = {
  ...FINDING_ROW,
  revision: 1,
  ruleKind: 'detection',
  tags: ['attack.privilege-escalation', 'attack.t1098.003'],
  group: {},
  measure: null,
  detectedTime: '2026-11-12T08:16:02.000Z',
  eventIds: ['9d0a5f'],
  explanation: [{ selection: 'selection', field: 'action', value: 'setAccountAdmin' }],
  evidence: [{ eventId: '9d0a5f', file: 'event_date=2026-11-12/b000000001-0000abcd.parquet', leaf: 12 }],
  runbook: RUNBOOK,
}

/** An alert in a list. */
export const ALERT_ROW: AlertRow = {
  id: '8c1f0be2a7d94e53',
  kind: 'alert',
  level: 'high',
  state: 'new',
  status: 'new',
  outcome: null,
  assignee: null,
  quiet: null,
  title: 'Account admin granted',
  summary: 'ana@example.com granted account admin to bob@example.com.',
  rule: { id: FINDING_ROW.ruleId, name: 'account_admin_granted', title: 'Account admin granted' },
  entity: { field: 'actor.email', value: 'ana@example.com' },
  threat: 'privilege-escalation',
  tags: ['attack.privilege-escalation', 'attack.t1098.003'],
  workspaces: ['4242'],
  actors: ['ana@example.com'],
  assets: [],
  risk: null,
  findings: 1,
  events: 1,
  firstTime: '2026-11-12T08:15:30.000Z',
  lastTime: '2026-11-12T08:15:30.000Z',
  created: '2026-11-12T08:16:05.000Z',
  updated: '2026-11-12T08:16:05.000Z',
  resolved: null,
}

/** An alert in full. */
export const ALERT: AlertDetail = {
  ...ALERT_ROW,
  duplicateOf: null,
  because: ['selection: action = setAccountAdmin'],
  history: [{ time: '2026-11-12T08:16:05.000Z', who: 'bricktrail', what: 'opened', from: 'new', to: 'new', why: null }],
  findingList: [
    {
      id: FINDING_ROW.id,
      revision: 1,
      events: 1,
      lastTime: '2026-11-12T08:15:30.000Z',
      summary: FINDING_ROW.summary,
    },
  ],
  timeline: [],
  alerts: [],
  runbook: RUNBOOK,
}

/** A silence. */
export const SILENCE: SilenceRow = {
  id: '1f2e3d4c5b6a',
  about: 'rule=account_admin_granted, entity=ana@example.com',
  who: 'ben@example.com',
  reason: 'Planned move of admins',
  created: '2026-11-12T09:00:00.000Z',
  ends: '2026-11-12T17:00:00.000Z',
  inForce: true,
  quieted: 0,
}
