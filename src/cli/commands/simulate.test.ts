import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { terminalContext } from '../terminal.ts'
import { registerSimulate } from './simulate.ts'

let out: string
let printed: string[]

beforeEach(async () => {
  out = join(await mkdtemp(join(tmpdir(), 'simulate-command-')), 'logs')
  printed = []
})
afterEach(() => rm(join(out, '..'), { recursive: true, force: true }))

async function run(...argv: string[]): Promise<void> {
  const program = new Command('bricktrail')
    .option('--json')
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  const cli = terminalContext(program)
  registerSimulate(program, { ...cli, out: (text) => void printed.push(text) })
  await program.parseAsync(argv, { from: 'user' })
}

describe('bricktrail simulate', () => {
  it('writes logs and says where they are', async () => {
    await run(
      'simulate',
      '--out',
      out,
      '--events',
      '2000',
      '--days',
      '2',
      '--scenarios',
      'secrets-sweep, mass-table-drop',
    )
    expect(printed.join('')).toMatch(/^2,000 events in \d+ files, [\d,]+ bytes/)
    expect(printed.join('')).toContain('labels.json (2 attack scenarios)')
    const labels = JSON.parse(await readFile(join(out, 'labels.json'), 'utf8'))
    expect(labels.scenarios.map(({ id }: { id: string }) => id)).toEqual(['mass-table-drop', 'secrets-sweep'])
  })

  it('prints one JSON object with --json', async () => {
    await run(
      '--json',
      'simulate',
      '--out',
      out,
      '--events',
      '400',
      '--days',
      '1',
      '--scenarios',
      'none',
      '--form',
      'azure',
      '--gzip',
    )
    expect(JSON.parse(printed.join(''))).toMatchObject({ events: 400, scenarios: 0, labels: join(out, 'labels.json') })
    expect(printed.join('').trim().split('\n')).toHaveLength(1)
  })

  it.each([
    ['--events', 'many'],
    ['--days', '1.5'],
    ['--seed', ''],
    ['--form', 'parquet'],
    ['--scenarios', 'nothing-like-it'],
    ['--start', '9 November'],
  ])('refuses %s "%s" and makes no folder', async (flag, value) => {
    await expect(run('simulate', '--out', out, flag, value)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(readFile(join(out, 'labels.json'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('asks for --out', async () => {
    await expect(run('simulate')).rejects.toMatchObject({ code: 'commander.missingMandatoryOptionValue' })
  })
})
