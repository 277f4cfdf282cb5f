import { readFileSync, writeFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { destinationsPage } from './reference.fixture.ts'
import { deliverSchema, deliverSettingsOf } from './settings.ts'

describe('the pages on destinations', () => {
  it('list what the program has; UPDATE_DOCS=1 writes it anew', () => {
    const file = new URL('../../docs/reference/destinations.md', import.meta.url)
    if (process.env.UPDATE_DOCS !== undefined) writeFileSync(file, destinationsPage())
    expect(readFileSync(file, 'utf8')).toBe(destinationsPage())
  })

  it('show settings that are good', () => {
    const page = readFileSync(new URL('../../docs/how-to/deliver.md', import.meta.url), 'utf8')
    const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
    const names = blocks.flatMap((block) =>
      deliverSettingsOf(block, 'deliver.md').destinations.map(({ kind }) => kind.kind),
    )
    expect(names).toEqual(
      expect.arrayContaining(['slack', 'teams', 'pagerduty', 'jsm', 'jira', 'email', 'alertmanager', 'syslog']),
    )
  })
})

describe('the schema of deliver.yaml', () => {
  const file = new URL('../../docs/reference/deliver.schema.json', import.meta.url)
  const fits = new Ajv2020({ strict: false }).compile(deliverSchema())
  const one = (destination: object) => fits({ destinations: { one: destination } })

  it('stands in the reference; UPDATE_DOCS=1 writes it anew', () => {
    const made = `${JSON.stringify(deliverSchema(), null, 2)}\n`
    if (process.env.UPDATE_DOCS !== undefined) writeFileSync(file, made)
    expect(readFileSync(file, 'utf8')).toBe(made)
  })

  it('takes what the how-to shows', () => {
    const page = readFileSync(new URL('../../docs/how-to/deliver.md', import.meta.url), 'utf8')
    const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
    expect(blocks.length).toBeGreaterThan(0)
    for (const block of blocks) expect([fits(parse(block)), block]).toEqual([true, block])
  })

  it('does not take what the program does not take', () => {
    const good = { kind: 'splunk-hec', url: 'https://splunk.example.com', token: 'env:HEC' }
    expect(one(good)).toBe(true)
    const wrong = [
      { token: 's3cr3t' },
      { token: undefined },
      { url: 'splunk' },
      { timeout: 'soon' },
      { kind: 'splunk' },
      { indx: 'a' },
      { connections: 0 },
    ]
    for (const each of wrong)
      expect([one(JSON.parse(JSON.stringify({ ...good, ...each }))), each]).toEqual([false, each])
    expect(fits({ destination: {} })).toBe(false)
  })
})
