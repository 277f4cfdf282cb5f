/** Commands that read the lake, on a home and over a server of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeSmallLake } from '../ask/small-lake.fixture.ts'
import { type Asked, asked, emptyHome } from '../serve/read/asked.fixture.ts'
import { recordLines } from '../serve/records.fixture.ts'
import { ROUTES } from '../serve/routes/registry.ts'
import { registerEvents } from './commands/events.ts'
import { registerQuery } from './commands/query.ts'
import { registerRejects } from './commands/rejects.ts'
import type { RegisterCommand } from './contract.ts'
import { type ServedCli, servedCli } from './served-cli.fixture.ts'

let server: Asked
let cli: ServedCli
beforeAll(async () => {
  const home = await emptyHome()
  await writeSmallLake(home)
  server = await asked(home, ROUTES)
  cli = await servedCli(server, home)
}, 60_000)
afterAll(async () => {
  await cli.close()
  await server.close()
})

/** Without how long it took. */
const timeless = (text: string): string =>
  text.replace(/in \d+\.\d\d s/g, 'in N s').replace(/"elapsedMs":\d+/g, '"elapsedMs":0')

async function both(register: RegisterCommand, argv: readonly string[], tty = false): Promise<void> {
  const at = await cli.on(register, argv, { tty })
  const over = await cli.over(register, argv, { tty })
  expect(timeless(over.out)).toBe(timeless(at.out))
  expect(timeless(over.notes)).toBe(timeless(at.notes))
  expect(over.exitCode).toBe(at.exitCode)
}

describe('events', () => {
  it.each([
    [['events']],
    [['events', '--oldest', '--limit', '2']],
    [['events', '--actor', 'smith\\, john@example.com,ada*', '--format', 'json']],
    [['events', '--text', '100% sure', '--format', 'ndjson']],
    [['events', '--format', 'csv', '--from', '2026-11-13']],
    [['--json', 'events', '--target', 'main.hr.*']],
    [['events', '--action', 'getTabel']],
  ])(
    '%j print the same over a server',
    async (argv) => {
      await both(registerEvents, argv)
    },
    60_000,
  )
})
