/** Every command, in the order `--help` lists them. A test compares this list with the folder. */
import { registerEvents } from './commands/events.ts'
import { registerExport } from './commands/export.ts'
import { registerIngest } from './commands/ingest.ts'
import { registerQuery } from './commands/query.ts'
import { registerRejects } from './commands/rejects.ts'
import { registerSimulate } from './commands/simulate.ts'
import type { RegisterCommand } from './contract.ts'

export const COMMANDS: readonly RegisterCommand[] = [
  registerSimulate,
  registerIngest,
  registerQuery,
  registerEvents,
  registerExport,
  registerRejects,
]
