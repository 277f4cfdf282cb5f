import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { alertSettingsOf } from './settings.ts'

const THERE = { messages: ['pager', 'mail'], events: ['siem'] }
const read = (text: string) => alertSettingsOf(text, 'alerts.yaml', THERE)

/** Place, message and hint of the first fault. */
function faultOf(text: string): string {
  try {
    read(text)
    return 'no fault'
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    return `${cause.message} ${cause.hint}`
  }
}

describe('the settings of alerts', () => {
  it('without a file send everything from medium on to every destination of messages', () => {
    const { routes, hasRoutes } = read('')
    expect(hasRoutes).toBe(false)
    expect(routes).toMatchObject([{ to: ['pager', 'mail'], when: { level: ['medium', 'high', 'critical'] } }])
    expect(alertSettingsOf('', 'alerts.yaml', { messages: [], events: ['siem'] }).routes).toEqual([])
  })

  it('with an empty list of routes send nothing', () => {
    expect(read('routes: []')).toMatchObject({ routes: [], hasRoutes: true })
  })

  it('are read whole', () => {
    const settings = read(`
time_zone: Europe/Berlin
url: https://trail.example.com/{id}
quiet_after: { benign: 2h, false_positive: 0s }
reopen_within: 1d
history_after: 12h
risk: { levels: { low: 5 }, rules: { "noisy-*": 0 }, most_per_rule: 80, day_score: 90, week_tactics: 2, week_rules: 3 }
teams: { platform: { workspace: ["12*"] } }
inhibit: [{ source: { level: critical }, target: { at_least: low }, equal: [entity, workspace] }]
maintenance: [{ name: once, from: 2026-12-01 22:00, to: 2026-12-02 02:00 }]
routes:
  - name: night
    when: { at_least: high, team: platform, hours: 22:00-06:00, days: "mon-thu, sat" }
    to: pager
    continue: true
    group: { by: [rule, workspace], wait: 10s, interval: 15m }
    limit: { messages: 5, per: 10m }
    escalate:
      - { after: 15m, to: mail }
      - { after: 1h, to: [pager, mail], repeat: 30m, times: 4 }
  - { to: mail, update_every: 1d }
`)
    expect(settings).toMatchObject({
      lasting: { quietAfterMs: { benign: 7_200_000, false_positive: 0 }, reopenMs: 86_400_000, historyMs: 43_200_000 },
      risk: { levels: [1, 5, 25, 50, 100], rules: [{ pattern: 'noisy-*', score: 0 }], mostPerRule: 80, weekRules: 3 },
      teams: [{ name: 'platform', when: { workspace: ['12*'] } }],
      inhibitions: [{ equal: ['entity', 'workspace'] }],
      maintenance: [{ fromMs: Date.parse('2026-12-01T21:00:00Z'), toMs: Date.parse('2026-12-02T01:00:00Z') }],
      routes: [
        {
          name: 'night',
          isLast: false,
          by: ['rule', 'workspace'],
          waitMs: 10_000,
          intervalMs: 900_000,
          hours: { days: [1, 2, 3, 4, 6], fromMinute: 1320, toMinute: 360, timeZone: 'Europe/Berlin' },
          limit: { messages: 5, perMs: 600_000 },
          escalations: [
            { afterMs: 900_000, to: ['mail'], times: 1 },
            { afterMs: 3_600_000, to: ['pager', 'mail'], repeatMs: 1_800_000, times: 4 },
          ],
        },
        { name: 'route 2', to: ['mail'], intervalMs: 86_400_000, isLast: true, by: [] },
      ],
    })
  })

  it('are what the page about them shows', () => {
    const page = readFileSync(new URL('../../docs/how-to/work-with-alerts.md', import.meta.url), 'utf8')
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
    const there = { messages: ['pager', 'boss', 'identity-chat', 'mail'], events: [] }
    const { routes, maintenance, inhibitions } = alertSettingsOf(example, 'alerts.yaml', there)
    expect([routes.length, maintenance.length, inhibitions.length]).toEqual([4, 2, 1])
  })

  it.each([
    ['rutes: []', 'alerts.yaml:1:1: rutes is no key of the file. Did you mean routes?'],
    [
      'routes:\n  - { when: { levl: high }, to: pager }',
      'alerts.yaml:2:15: levl is no key of routes.0.when. Did you mean level?',
    ],
    ['routes:\n  - { to: pagr }', 'alerts.yaml:2:7: There is no destination pagr. Did you mean pager?'],
    [
      'routes:\n  - { to: siem }',
      'alerts.yaml:2:7: siem takes events and no alerts. Destinations for alerts: pager, mail.',
    ],
    ['routes: [{ name: x }]', 'alerts.yaml:1:10: routes.0 has no to. Add `to:`.'],
    ['routes: [{ to: mail, when: { level: hgh } }]', 'alerts.yaml:1:30: hgh is no level. Did you mean high?'],
    [
      'routes: [{ to: mail, when: { hours: 8-18 } }]',
      'alerts.yaml:1:30: 8-18 are no hours. Write 08:00-18:00; 22:00-06:00 goes over midnight.',
    ],
    [
      'routes: [{ to: mail, when: { days: someday } }]',
      'alerts.yaml:1:30: someday is no day. Write mon-fri, or sat, sun.',
    ],
    [
      'routes: [{ to: mail, when: { team: nobody } }]',
      'alerts.yaml:1:30: No team is called nobody. Add it to `teams:`.',
    ],
    [
      'routes: [{ to: mail, group: { by: rul } }]',
      'alerts.yaml:1:31: rul is nothing that alerts are told apart by. Did you mean rule?',
    ],
    [
      'routes: [{ to: mail, digest: { at: noon } }]',
      "alerts.yaml:1:32: noon is no time of day. Write '08:00', in quotes.",
    ],
    [
      'routes: [{ to: mail, limit: { messages: 0 } }]',
      'alerts.yaml:1:31: messages is no number of messages. Write a whole number of at least 1.',
    ],
    [
      'routes: [{ to: mail, escalate: { to: pager } }]',
      'alerts.yaml:1:22: routes.0.escalate has no after. Add `after:`.',
    ],
    [
      'routes: [{ name: a, to: mail }, { name: a, to: mail }]',
      'alerts.yaml:1:35: Two routes are called a. Give each a name of its own.',
    ],
    ['time_zone: Berlin', 'alerts.yaml:1:1: Berlin is no time zone. Write a name such as Europe/Berlin or UTC.'],
    ['url: ftp://x', 'alerts.yaml:1:1: ftp://x is no web address. Write https://HOST/PATH/{id}.'],
    ['reopen_within: soon', 'alerts.yaml:1:1: reopen_within is no span of time. Write 90s, 15m, 24h or 7d.'],
    [
      'maintenance: [{ name: x }]',
      'alerts.yaml:1:17: x has no time. Write `hours:` and `days:`, or `from:` and `to:`.',
    ],
    [
      'maintenance: [{ from: 2026-12-02, to: 2026-12-01 }]',
      'alerts.yaml:1:35: maintenance 1 ends before it begins. Write a later time.',
    ],
    [
      'inhibit: [{ source: { level: high } }]',
      'alerts.yaml:1:11: An inhibition has no target. Write below `target:` which alerts stay quiet.',
    ],
    [
      'risk: { day_score: much }',
      'alerts.yaml:1:9: day_score is no number of 0 or more. Write a number, without quotes.',
    ],
    ['routes: [', 'alerts.yaml:1:10: This is no YAML'],
  ])('fail where %j is wrong, with place and hint', (text, fault) => {
    expect(faultOf(text)).toContain(fault)
  })
})
