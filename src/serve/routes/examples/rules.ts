/** Examples of rules in the API's description. */
import type { Coverage, RuleDetail, RuleRow } from '../../shapes/rules.ts'

/** A rule in a list. */
export const RULE_ROW: RuleRow = {
  id: '0c1e7f5e-3a6f-4bb6-8a55-0b9f3f0a5d11',
  name: 'failed-logins-of-one-account',
  names: ['0c1e7f5e-3a6f-4bb6-8a55-0b9f3f0a5d11', 'failed_logins_of_one_account', 'failed-logins-of-one-account'],
  title: 'Failed logins of one account',
  kind: 'correlation',
  threat: 'account-takeover',
  level: 'medium',
  status: 'test',
  enabled: true,
  overridden: true,
  techniques: ['T1110'],
  tactics: ['credential-access'],
  findings: 3,
  lastFired: '2026-11-12T08:15:30.000Z',
  noise: 0.5,
  problems: 0,
  file: 'rules/account-takeover/failed-logins-of-one-account.yml',
}

/** A rule in full. */
export const RULE: RuleDetail = {
  ...RULE_ROW,
  description: 'Somebody tries passwords of one account.',
  falsePositives: ['A password was changed and a program was not told'],
  controls: ['soc2 CC6.1'],
  references: [],
  yaml: 'title: Failed logins of one account\n',
  parameters: [{ name: 'failures', value: 20, usual: 10, reason: 'People mistype a few times.', overridden: true }],
  runbook: [
    {
      title: 'Logins of this account',
      sql: 'SELECT * FROM events WHERE actor.email = :entity AND event_time BETWEEN :from AND :to',
      q: null,
    },
  ],
  problemList: [],
  perDay: [{ day: '2026-11-12', findings: 3 }],
  set: [{ day: '2026-11-12', who: 'ana@example.com', why: 'Many people here mistype' }],
}

/** Coverage. */
export const COVERAGE: Coverage = {
  tactics: [
    {
      id: 'credential-access',
      name: 'Credential Access',
      techniques: [{ id: 'T1110', name: 'Brute Force', rules: 5, fired: 3 }],
    },
  ],
  actions: { covered: 400, known: 900 },
}
