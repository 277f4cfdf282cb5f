import { readFileSync, writeFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { alertsSchema } from './schema.ts'
import { alertSettingsOf } from './settings.ts'

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Node | false
  readonly items?: Node
  readonly anyOf?: readonly Node[]
}

const FILE = new URL('../../docs/reference/alerts.schema.json', import.meta.url)
const HOW_TO = new URL('../../docs/how-to/work-with-alerts.md', import.meta.url)
const THERE = { messages: ['chat', 'pager', 'mail'], events: [] }

const fits = new Ajv2020({ strict: false }).compile(alertsSchema())

/** Values of keys that have to be there, so that nothing else is wrong. */
const NEEDED: Readonly<Record<string, unknown>> = {
  to: 'chat',
  by: 'rule',
  after: '1h',
  at: '08:00',
  messages: 1,
  source: { level: 'high' },
  target: { level: 'low' },
}

/** Every map of the schema with keys of its own: how to write one with another key in it, and its keys. */
function mapsOf(node: Node, inside: (value: unknown) => unknown = (value) => value): [unknown, readonly string[]][] {
  const { properties, required = [], additionalProperties, items, anyOf = [] } = node
  // A maintenance needs a time, by one key or another.
  const time = properties?.from === undefined ? {} : { hours: '08:00-09:00' }
  const rest = { ...time, ...Object.fromEntries(required.map((key) => [key, NEEDED[key]])) }
  const own: [unknown, readonly string[]][] =
    properties === undefined ? [] : [[inside({ ...rest, zzzzzzzz: 1 }), Object.keys(properties)]]
  const below = Object.entries(properties ?? {}).flatMap(([key, each]) =>
    mapsOf(each, (value) => inside({ ...rest, [key]: value })),
  )
  return [
    ...own,
    ...below,
    ...(items === undefined ? [] : mapsOf(items, (value) => inside([value]))),
    ...(typeof additionalProperties === 'object'
      ? mapsOf(additionalProperties, (value) => inside({ name: value }))
      : []),
    ...anyOf.flatMap((each) => mapsOf(each, inside)),
  ]
}

/** What the program says of a file. */
function hintOf(value: unknown): string {
  try {
    alertSettingsOf(stringify(value), 'alerts.yaml', THERE)
    return 'none'
  } catch (cause) {
    return (cause as { hint: string }).hint
  }
}

describe('the schema of alerts.yaml', () => {
  it('stands in the reference; UPDATE_DOCS=1 writes it anew', () => {
    const made = `${JSON.stringify(alertsSchema(), null, 2)}\n`
    if (process.env.UPDATE_DOCS !== undefined) writeFileSync(FILE, made)
    expect(readFileSync(FILE, 'utf8')).toBe(made)
  })

  it.each(mapsOf(alertsSchema() as Node))('knows the keys that the program knows, in %j', (value, keys) => {
    expect(fits(value)).toBe(false)
    const known = /Known here: (.*)\./.exec(hintOf(value))?.[1]?.split(', ') ?? []
    expect([...keys].sort()).toEqual([...known].sort())
  })

  it('takes what the how-to shows', () => {
    const blocks = [...readFileSync(HOW_TO, 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(
      ([, block = '']) => block,
    )
    const shown = blocks.filter((block) => !block.includes('destinations:'))
    expect(shown.length).toBeGreaterThan(0)
    for (const block of shown) expect([fits(parse(block)), fits.errors, block]).toEqual([true, null, block])
  })

  it.each([
    { routes: [{ to: 'chat', digest: { at: 8 } }] },
    { routes: [{ to: 'chat', limit: { messages: 0 } }] },
    { routes: [{ when: { level: 'hgih' }, to: 'chat' }] },
    { routes: [{ when: {} }] },
    { reopen_within: 'soon' },
    { url: 'alerts.example.com' },
  ])('does not take what the program does not take: %j', (value) => {
    expect(fits(value)).toBe(false)
    expect(hintOf(value)).not.toBe('none')
  })
})
