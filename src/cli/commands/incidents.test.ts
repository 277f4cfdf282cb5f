import { afterEach, beforeEach, expect, it } from 'vitest'
import { AlertBench, aFinding, later } from '../../alert/findings.fixture.ts'
import { runCommand } from '../recorded-cli.fixture.ts'
import { registerIncidents } from './incidents.ts'

let bench: AlertBench
beforeEach(async () => {
  bench = await AlertBench.open()
  await bench.found(...[1, 2, 3].map((n) => aFinding(`f${n}`, { ruleId: `rule-${n}`, title: `Title ${n}` })))
  await bench.run()
})
afterEach(() => bench.close())

const incidents = (...argv: string[]) =>
  runCommand(registerIncidents, ['incidents', ...argv], { home: bench.home.root, now: later(10) })
const json = async (...argv: string[]) => JSON.parse((await incidents(...argv, '--json')).out)

it('shows an incident with its timeline, tactics and alerts, and lets people say what it was', async () => {
  const [{ id }] = (await json('list')).incidents
  const { incident } = await json('show', id)
  expect(incident).toMatchObject({
    title: 'Risk of ana@example.com',
    risk: { score: 150, tactics: ['privilege-escalation'] },
    timeline: [{ finding: 'f1', score: 50 }, { finding: 'f2' }, { finding: 'f3' }],
  })
  expect(incident.alerts.map(({ title }: { title: string }) => title).sort()).toEqual(['Title 1', 'Title 2', 'Title 3'])
  const { out } = await incidents('show', id.slice(0, 6))
  expect(out).toMatch(/risk {7}150; tactics: privilege-escalation\n/)
  expect(out).toMatch(/timeline\n {2}2026-11-12 11:30Z {2}50 {2}Title 1: ana@example.com did it\.\n/)
  await incidents('note', id, 'Called ana.', '--as', 'eve')
  expect((await incidents('resolve', id, '--was', 'true-positive', '--as', 'eve')).out).toMatch(
    /resolved, true positive/,
  )
  expect((await incidents('list')).out).toBe('No incidents are open.\n')
  expect((await json('list', '--resolved')).incidents).toMatchObject([{ outcome: 'true_positive' }])
})

it('tells alerts and incidents apart', async () => {
  const { runCommand: run } = await import('../recorded-cli.fixture.ts')
  const { registerAlerts } = await import('./alerts.ts')
  const [{ id }] = (await json('list')).incidents
  const shown = run(registerAlerts, ['alerts', 'show', id], { home: bench.home.root })
  await expect(shown).rejects.toMatchObject({ hint: 'It is an incident: use `bricktrail incidents`.' })
})
