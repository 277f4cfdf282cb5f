import { describe, expect, it } from 'vitest'
import { AppError } from '../../core/errors.ts'
import { readSettings, settingsOf } from './settings.ts'

const FULL = `rules: [./our-rules, /srv/rules]
shipped: false
disabled: [login-by-script]
overrides:
  failed-login-spike:
    level: low
    parameters: { floor: 50 }
watchlists:
  known_egress: { file: egress.csv, column: cidr }
  break_glass: [root@example.com]
pipelines: [./pipelines/theirs.yml]
time_zone: Europe/Berlin
rules_timeout: 5m
environments:
  - name: production
`

/** What a text is refused with. */
function refusal(text: string): string {
  try {
    settingsOf(text, '/home/detect.yaml')
  } catch (cause) {
    if (cause instanceof AppError) return `${cause.code} ${cause.message} ${cause.hint}`
    throw cause
  }
  return 'nothing'
}

describe('settings of detection', () => {
  it.each(['1s', '2h', '120', 'soon', '0m', '[1m]'])('take no rules_timeout of %s', (text) => {
    expect(refusal(`rules_timeout: ${text}\n`)).toMatch(/^BAD_HOME \S+detect\.yaml:1:/)
  })

  it('are read whole, with paths relative to their file', () => {
    const settings = settingsOf(FULL, '/home/detect.yaml')
    expect(settings).toMatchObject({
      folders: [{ text: '/home/our-rules' }, { text: '/srv/rules' }],
      shipped: false,
      disabled: [{ text: 'login-by-script', place: { line: 3, column: 12 } }],
      overrides: [{ name: 'failed-login-spike', level: 'low', parameters: { floor: 50 } }],
      watchlists: [
        { name: 'known_egress', file: '/home/egress.csv', column: 'cidr' },
        { name: 'break_glass', entries: ['root@example.com'] },
      ],
      pipelines: [{ text: '/home/pipelines/theirs.yml' }],
      timeZone: 'Europe/Berlin',
      timeoutSecs: 300,
      environments: { value: [{ name: 'production' }] },
    })
    expect(settings.overrides[0]?.placeOf('floor')).toMatchObject({ line: 7, column: 19 })
    expect(settings.environments?.report.placeOf(['environments', 0, 'name'])).toMatchObject({ line: 15, column: 5 })
  })

  it('are the defaults where there is no file, or nothing in it', async () => {
    const nothing = { folders: [], shipped: true, disabled: [], overrides: [], watchlists: [], pipelines: [] }
    expect(await readSettings('/nowhere/at/all/detect.yaml')).toEqual(nothing)
    expect(settingsOf('# nothing yet\n', 'detect.yaml')).toEqual(nothing)
  })

  it.each([
    ['shiped: true', ':1:1: shiped is no key of the file. Did you mean shipped?'],
    ['rules: { a: 1 }', ':1:1: An entry of rules is a map, not a text. Write a text.'],
    ['shipped: "no"', ':1:1: shipped is a text. Write true or false, without quotes.'],
    ['overrides:\n  x:\n    levle: low', ':3:5: levle is no key of overrides.x. Did you mean level?'],
    [
      'overrides:\n  x:\n    level: loud',
      ':3:5: level is loud. Use one of informational, low, medium, high, critical.',
    ],
    ['overrides:\n  x: low', ':2:3: overrides.x is a text, not a map. Write keys with values below it.'],
    ['overrides:\n  x:\n    parameters: 3', ':3:5: overrides.x.parameters is a number, not a map.'],
    ['watchlists:\n  w: { file: a, colum: b }', ':2:17: colum is no key of watchlists.w. Did you mean column?'],
    ['watchlists:\n  w: a.csv', ':2:3: The watchlist w is neither a list nor a file.'],
    ['watchlists:\n  "w w": [a]', ':2:3: w w is no name of a watchlist.'],
    ['time_zone: Mars/Olympus', ':1:1: Mars/Olympus is no time zone. Write a name such as Europe/Berlin or UTC.'],
    ['rules: [', 'This is no YAML'],
    ['- a', 'The document is no map of keys.'],
    ['shipped: true\n---\nshipped: false', 'Settings are one document.'],
  ])('are refused with place and hint: %s', (text, message) => {
    const told = refusal(text)
    expect(told).toMatch(/^BAD_HOME \/home\/detect\.yaml:\d+:\d+: /)
    expect(told).toContain(message)
  })
})
