import { describe, expect, it } from 'vitest'
import { deliverSettingsOf } from './settings.ts'

const GOOD = `
destinations:
  soc:
    kind: webhook
    url: https://soc.example.com/hook
    secrets: [env:SOC]
    per_minute: 30
    give_up: 12h
  siem:
    kind: splunk-hec
    url: https://splunk.example.com:8088
    token: file:/run/secrets/hec
    format: ocsf
    from: beginning
    only: { category: permission, status: SUCCESS }
`

const faultOf = (text: string) => {
  try {
    deliverSettingsOf(text, 'deliver.yaml')
  } catch (cause) {
    const { message, hint } = cause as { message: string; hint: string }
    return `${message} ${hint}`
  }
  return 'none'
}

describe('the settings of delivery', () => {
  it('are read, with what is left out filled in', () => {
    const { destinations } = deliverSettingsOf(GOOD, 'deliver.yaml')
    expect(
      destinations.map(({ kind, place, section, ...rest }) => ({ ...rest, kind: kind.kind, line: place.line })),
    ).toEqual([
      {
        name: 'soc',
        kind: 'webhook',
        connections: 1,
        timeoutMs: 30_000,
        giveUpMs: 43_200_000,
        perMinute: 30,
        from: 'now',
        only: {},
        line: 3,
      },
      {
        name: 'siem',
        kind: 'splunk-hec',
        connections: 4,
        timeoutMs: 30_000,
        giveUpMs: 259_200_000,
        format: 'ocsf',
        from: 'beginning',
        only: { category: 'permission', status: 'SUCCESS' },
        line: 9,
      },
    ])
    expect(destinations[1]?.section).toEqual({ url: 'https://splunk.example.com:8088', token: 'file:/run/secrets/hec' })
  })

  it('may be absent', () => expect(deliverSettingsOf('', 'deliver.yaml').destinations).toEqual([]))

  it('ask for one request at a time of messages, objects and files, and for four of other events', () => {
    const { destinations } = deliverSettingsOf(
      `destinations:
  a: { kind: s3, bucket: audit, region: eu-west-1 }
  b: { kind: event-file, path: x }
  c: { kind: parquet, folder: x }
  d: { kind: elasticsearch, url: "https://es.example.com", index: audit }
  e: { kind: slack, url: env:SLACK }
  f: { kind: s3, bucket: audit, region: eu-west-1, connections: 8 }
`,
      'deliver.yaml',
    )
    expect(destinations.map(({ name, connections }) => `${name}${connections}`)).toEqual([
      'a1',
      'b1',
      'c1',
      'd4',
      'e1',
      'f8',
    ])
  })

  it.each([
    ['destination: {}', 'deliver.yaml:1:1: destination is no key here. Did you mean destinations?'],
    [
      'destinations: { a: { kind: webhok } }',
      'deliver.yaml:1:22: There is no destination of the kind webhok. Did you mean webhook?',
    ],
    ['destinations: { a: { url: x } }', 'deliver.yaml:1:17: a has no kind. Kinds: '],
    [
      'destinations: { a: { kind: webhook, url: "https://x.io", secrets: [s3cr3t-planted] } }',
      'entry 1 of secrets is no reference to a secret. Write env:NAME or file:/absolute/path; the secret itself does not belong here.',
    ],
    [
      'destinations: { a: { kind: webhook, url: "https://u:s3cr3t-planted@x.io", secrets: [env:A] } }',
      'deliver.yaml:1:37: url is no web address. Leave out user name and password: secrets do not belong here.',
    ],
    ['destinations: { a: { kind: webhook, url: "ftp://x.io", secrets: [env:A], tokn: 1 } }', 'is no'],
    [
      'destinations: { a: { kind: splunk-hec, url: "https://x.io", token: env:A, format: xml } }',
      'deliver.yaml:1:75: format is none of what it can be. Use one of system-table, raw, ocsf, uam, cef.',
    ],
    [
      'destinations: { a: { kind: splunk-hec, url: "https://x.io" } }',
      'deliver.yaml:1:17: a has no token. Add `token:`.',
    ],
    [
      'destinations: { a: { kind: splunk-hec, url: "https://x.io", token: env:A, timeout: soon } }',
      'timeout is no span of time. Write 90s, 15m, 24h or 7d.',
    ],
    [
      'destinations: { a: { kind: splunk-hec, url: "https://x.io", token: env:A, only: { actr: b } } }',
      'actr is no key here. Did you mean actor?',
    ],
    ['most_waiting: many', 'deliver.yaml:1:1: most_waiting is no number of messages.'],
  ])('%s is a fault', (text, fault) => {
    expect(faultOf(text)).toContain(fault)
    expect(faultOf(text)).not.toContain('s3cr3t')
  })
})
