import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SIMULATE_DEFAULTS, simulate } from '../../simulate/simulate.ts'
import { type Recorded, runCommand } from '../recorded-cli.fixture.ts'
import { registerEvaluate } from './evaluate.ts'

let root: string
let logs: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'evaluate-command-'))
  logs = join(root, 'logs')
  await simulate({
    ...SIMULATE_DEFAULTS,
    out: logs,
    events: 1500,
    days: 1,
    form: 'delivery',
    gzip: false,
    scenarios: ['log-delivery-disabled', 'sso-config-changed'],
  })
  await writeFile(join(root, 'own.yml'), OWN_RULE)
}, 60_000)
afterAll(() => rm(root, { recursive: true, force: true }))

/** Knows one of the two attacks, and takes everybody who looks around for one. */
const OWN_RULE = `title: Log delivery switched off
name: audit-log-delivery-disabled
level: high
logsource: { product: databricks }
detection:
  off:
    actionName: updateLogDeliveryConfiguration
  condition: off
---
title: Somebody lists shares
name: listing
level: medium
logsource: { product: databricks }
detection:
  look:
    actionName: [listTables, getTable]
    actor.type: user
  condition: look
`

const evaluate = (...argv: readonly string[]): Promise<Recorded> =>
  runCommand(registerEvaluate, ['evaluate', logs, '--no-shipped', '--rules', root, ...argv], { home: root })

describe('bricktrail evaluate', () => {
  it('prints levels, rules and attacks, and ends with 1 where one is missed', async () => {
    const { out, exitCode } = await evaluate()
    expect(exitCode).toBe(1)
    expect(out).toMatch(/^1,500 events over 1 day, \d+ of them in 2 attacks; 2 rules in/)
    expect(out).toMatch(/on no attack at medium or above: \d+\.\d\d a day, of 5 at most/)
    expect(out).toContain('Attacks: 1 of 2 told of')
    expect(out).toMatch(/sso-config-changed +NO/)
    expect(out).toMatch(/Somebody lists shares: \S+@/)
  }, 60_000)

  it.each([0, 700, 2500])(
    'ends on Ctrl-C, %i ms after it began, and leaves nothing behind',
    async (afterMs) => {
      const tmp = await mkdtemp(join(root, 'tmp-'))
      const before = process.env.TMPDIR
      process.env.TMPDIR = tmp
      try {
        const argv = [
          'evaluate',
          '--events',
          '60000',
          '--days',
          '10',
          '--scenarios',
          'none',
          '--no-shipped',
          '--rules',
          root,
        ]
        const running = runCommand(registerEvaluate, argv, { home: root })
        while ((await readdir(tmp)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        await new Promise((resolve) => setTimeout(resolve, afterMs))
        process.listeners('SIGINT').at(-1)?.('SIGINT')
        expect(await running).toMatchObject({ exitCode: 130, notes: expect.stringContaining('Stopped.'), out: '' })
        expect(await readdir(tmp)).toEqual([])
      } finally {
        if (before === undefined) delete process.env.TMPDIR
        else process.env.TMPDIR = before
      }
    },
    60_000,
  )

  it('gives a script one object', async () => {
    const { out } = await evaluate('--json')
    const told = JSON.parse(out)
    expect(told).toMatchObject({ events: 1500, days: 1, leftOut: [], problems: [] })
    expect(told.scenarios.map(({ id, isDetected }: { id: string; isDetected: boolean }) => [id, isDetected])).toEqual([
      ['log-delivery-disabled', true],
      ['sso-config-changed', false],
    ])
  }, 60_000)

  it('refuses a warm-up that leaves nothing', async () => {
    const run = runCommand(registerEvaluate, ['evaluate', '--days', '14', '--warm-up', '14'], { home: root })
    await expect(run).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  it('refuses a lake without its folder', async () => {
    const run = runCommand(registerEvaluate, ['evaluate', '--lake', root], { home: root })
    await expect(run).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })
})
