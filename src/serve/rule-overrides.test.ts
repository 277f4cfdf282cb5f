import { describe, expect, it } from 'vitest'
import { changedText } from './rule-overrides.ts'
import type { BookRule } from './rules/book.ts'

const rule: BookRule = {
  id: '5b1f',
  name: 'failed-login-spike',
  names: ['5b1f', 'failed_login_spike', 'failed-login-spike'],
  settingsName: 'failed-login-spike',
  title: 'Failed logins',
  kind: 'baseline',
  threat: null,
  level: 'medium',
  status: null,
  enabled: true,
  overridden: false,
  techniques: [],
  tactics: [],
  file: 'rules/failed-login-spike.yml',
  path: '/rules/failed-login-spike.yml',
  description: '',
  falsePositives: [],
  controls: [],
  references: [],
  parameters: [],
  runbook: [],
  problems: [],
}
const changed = (text: string, change: Omit<Parameters<typeof changedText>[2], 'reason'>) =>
  changedText(text, rule, { ...change, reason: 'a reason' }, ' 2026-11-12 ana: a reason')

const SETTINGS = `# Ours.
time_zone: Europe/Berlin # where we are

overrides:
  # Too loud in summer.
  failed_login_spike:
    level: low
    parameters: { floor: 50 }
  other: { level: high }
disabled: [login-by-script] # by the platform team
`

describe('a change of a rule', () => {
  it('leaves comments, order and all else of the settings as they are', () => {
    expect(changed(SETTINGS, { level: 'high', parameters: { floor: 20, learn: '21d' } })).toBe(`# Ours.
time_zone: Europe/Berlin # where we are

overrides:
  # Too loud in summer.
  failed_login_spike:
    # 2026-11-12 ana: a reason
    level: high
    parameters:
      floor: 20
      learn: 21d
  other: { level: high }
disabled: [ login-by-script ] # by the platform team
`)
  })

  it('makes settings where there are none', () => {
    expect(changed('', { enabled: false, level: 'low' })).toBe(`disabled:
  - failed-login-spike # 2026-11-12 ana: a reason
overrides:
  failed-login-spike:
    # 2026-11-12 ana: a reason
    level: low
`)
  })

  it('turns a rule on that is off by any of its names, and leaves no empty list', () => {
    expect(changed('disabled: [5b1f, failed_login_spike, x]\n', { enabled: true })).toBe('disabled: [ x ]\n')
    expect(changed('disabled: failed-login-spike\ntime_zone: UTC\n', { enabled: true })).toBe('time_zone: UTC\n')
    expect(changed('disabled: x\n', { enabled: false })).toContain('- failed-login-spike #')
  })

  it('takes settings back with null, and what is empty then with them', () => {
    expect(
      changed('overrides:\n  5b1f:\n    level: low\n    parameters: { floor: 1 }\n', { parameters: { floor: null } }),
    ).toBe('overrides:\n  5b1f:\n    # 2026-11-12 ana: a reason\n    level: low\n')
    expect(changed('overrides: { 5b1f: { level: low } }\ntime_zone: UTC\n', { level: null })).toBe('time_zone: UTC\n')
  })

  it.each(['a: [', '- a list', 'text', 'overrides: [x]\n'])('is refused where the settings are %j', (text) => {
    expect(() => changed(text, { level: 'low' })).toThrow('only a person should change')
  })

  it('changes nothing that an alias stands for', () => {
    expect(() => changed('base: &b { x: { level: low } }\noverrides: *b\n', { level: 'low' })).toThrow('only a person')
    expect(() => changed('base: &b [x]\ndisabled: *b\n', { enabled: false })).toThrow('only a person')
  })
})
