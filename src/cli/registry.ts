/** The command registry; a test compares it with the folder. */
import { registerAlerts } from './commands/alerts.ts'
import { registerCatalogue } from './commands/catalogue.ts'
import { registerCompact } from './commands/compact.ts'
import { registerConfig } from './commands/config.ts'
import { registerDeliver } from './commands/deliver.ts'
import { registerDemo } from './commands/demo.ts'
import { registerDetect } from './commands/detect.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerEvaluate } from './commands/evaluate.ts'
import { registerEvents } from './commands/events.ts'
import { registerExport } from './commands/export.ts'
import { registerFindings } from './commands/findings.ts'
import { registerIncidents } from './commands/incidents.ts'
import { registerIngest } from './commands/ingest.ts'
import { registerInit } from './commands/init.ts'
import { registerProve } from './commands/prove.ts'
import { registerQuery } from './commands/query.ts'
import { registerRejects } from './commands/rejects.ts'
import { registerRules } from './commands/rules.ts'
import { registerSeal } from './commands/seal.ts'
import { registerServe } from './commands/serve.ts'
import { registerSimulate } from './commands/simulate.ts'
import { registerToken } from './commands/token.ts'
import { registerVerify } from './commands/verify.ts'
import { registerWitness } from './commands/witness.ts'
import type { RegisterCommand } from './contract.ts'

/** Every command, in the order `--help` lists them. */
export const COMMANDS: readonly RegisterCommand[] = [
  registerDemo,
  registerServe,
  registerInit,
  registerConfig,
  registerSimulate,
  registerIngest,
  registerDetect,
  registerFindings,
  registerAlerts,
  registerIncidents,
  registerQuery,
  registerEvents,
  registerExport,
  registerRejects,
  registerCatalogue,
  registerRules,
  registerDeliver,
  registerToken,
  registerCompact,
  registerSeal,
  registerProve,
  registerVerify,
  registerWitness,
  registerEvaluate,
  registerDoctor,
]
