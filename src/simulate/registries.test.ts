import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeAccount } from './account/account.ts'
import { ROUTINES, TOOLS, WORKS } from './activities/registry.ts'
import { playScenarios } from './cast.ts'
import { FORMS } from './forms/registry.ts'
import { Random } from './random.ts'
import { ALL_SCENARIOS } from './scenarios/registry.ts'

const DAY = 86_400_000
const MONDAY = Date.UTC(2026, 10, 9)

const partsIn = async (folder: string) =>
  (await readdir(join(import.meta.dirname, folder)))
    .filter((name) => !/^(contract|registry)\.|\.test\.ts$/.test(name))
    .map((name) => name.replace(/\.ts$/, ''))
    .sort()

describe('registries', () => {
  it('list every scenario file under its own name', async () => {
    expect(ALL_SCENARIOS.map(({ id }) => id)).toEqual(await partsIn('scenarios'))
  })

  it('list every form file', async () => {
    expect(Object.keys(FORMS).sort()).toEqual(await partsIn('forms'))
  })

  it('import every file of activities that offers works, tools or routines', async () => {
    const registry = await readFile(join(import.meta.dirname, 'activities/registry.ts'), 'utf8')
    for (const part of await partsIn('activities')) {
      const source = await readFile(join(import.meta.dirname, 'activities', `${part}.ts`), 'utf8')
      for (const [, name] of source.matchAll(/export const (\w+_(?:WORKS|TOOLS|ROUTINES))\b/g)) {
        expect(registry, part).toContain(`...${name}`.replace('...DESKTOP_TOOLS', '= DESKTOP_TOOLS'))
      }
    }
  })

  it('name each part once', () => {
    for (const parts of [ALL_SCENARIOS, WORKS, TOOLS, ROUTINES]) {
      const ids = parts.map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
    }
  })
})

describe('scenarios', () => {
  it('are at least thirty, each with a title, an expectation and ATT&CK techniques', () => {
    expect(ALL_SCENARIOS.length).toBeGreaterThanOrEqual(30)
    for (const { id, title, expect: expected, techniques } of ALL_SCENARIOS) {
      expect([title.length > 10, expected.length > 20], id).toEqual([true, true])
      expect(techniques.length, id).toBeGreaterThan(0)
      for (const technique of techniques) expect(technique, id).toMatch(/^T1\d{3}(\.\d{3})?$/)
    }
  })

  it.each([
    ['one working day', MONDAY, 1],
    ['a weekend', MONDAY + 5 * DAY, 2],
    ['a month', MONDAY, 30],
  ])('all play within %s', (_name, startMs, days) => {
    const root = new Random(`${startMs} ${days}`)
    const account = makeAccount(root, 'aws')
    const period = { startMs, endMs: startMs + days * DAY }
    const played = playScenarios(
      () => true,
      account,
      period,
      root,
      () => true,
    )
    expect(played.map(({ scenario }) => scenario.id)).toEqual(ALL_SCENARIOS.map(({ id }) => id))
    for (const { scenario, events } of played) {
      const times = events.map(({ timeMs }) => timeMs)
      expect(Math.min(...times), scenario.id).toBeGreaterThanOrEqual(startMs)
      expect(Math.max(...times), scenario.id).toBeLessThan(period.endMs)
      expect(times.every(Number.isInteger), scenario.id).toBe(true)
    }
  })

  it('that matter only at the account level leave nothing of it on Azure', () => {
    const root = new Random('azure')
    const account = makeAccount(root, 'azure')
    const period = { startMs: MONDAY, endMs: MONDAY + 7 * DAY }
    const played = playScenarios(
      () => true,
      account,
      period,
      root,
      (event) => event.workspaceId !== null,
    )
    const missing = ALL_SCENARIOS.filter((one) => !played.some(({ scenario }) => scenario.id === one.id))
    expect(missing.map(({ id }) => id)).toEqual(ALL_SCENARIOS.filter((one) => one.accountLevel).map(({ id }) => id))
  })
})
