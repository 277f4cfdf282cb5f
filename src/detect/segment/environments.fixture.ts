/** Environments for tests, by way of the settings they stand in. */
import { stringify } from 'yaml'
import { settingsOf } from '../pack/settings.ts'
import { type Environment, readEnvironments } from './environments.ts'

/** What the settings have of a value of the key `environments`. */
export const environmentsOf = (value: unknown): readonly Environment[] =>
  readEnvironments(settingsOf(stringify({ environments: value }), 'detect.yaml').environments)
