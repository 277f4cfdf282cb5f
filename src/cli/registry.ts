/** Every command, in the order `--help` lists them. A test compares this list with the folder. */
import type { RegisterCommand } from './contract.ts'

export const COMMANDS: readonly RegisterCommand[] = []
