/** Every scenario, in the order labels list them. A test compares this list with the folder. */
import type { Scenario } from './contract.ts'
import { passwordSpraying } from './password-spraying.ts'
import { verboseLoggingOff } from './verbose-logging-off.ts'

/** The scenarios. */
export const ALL_SCENARIOS: readonly Scenario[] = [passwordSpraying, verboseLoggingOff]
