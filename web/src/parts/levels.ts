/** Levels of rules and alerts. */
import type { RuleRow } from '../../../src/serve/shapes/rules.ts'

/** The worst first. */
export const LEVELS: readonly RuleRow['level'][] = ['critical', 'high', 'medium', 'low', 'informational']
