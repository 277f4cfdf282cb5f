/** What makes two findings the same alert, and what alerts and messages are called. */
import { createHmac } from 'node:crypto'

/** So many digits tell apart a hundred million alerts; people type the first few. */
const ID_DIGITS = 16

/** What a home keys its fingerprints with. */
export interface Keyed {
  readonly secret: string
}

/**
 * A fingerprint of texts: hexadecimal digits. Only who has the home's secret can make it: others would learn from it whom an alert is
 * about that hides them, by trying names and addresses.
 */
export const fingerprint = ({ secret }: Keyed, parts: readonly (string | number)[], digits = ID_DIGITS): string =>
  createHmac('sha256', secret).update(JSON.stringify(parts)).digest('hex').slice(0, digits)

/** What alerts are told apart by: rule, and who or what it is about. */
export const alertKey = (finding: {
  readonly ruleId: string
  readonly entityField: string
  readonly entity: string
}): string => JSON.stringify([finding.ruleId, finding.entityField, finding.entity.toLowerCase()])

/** What incidents are told apart by: whose risk it is. */
export const incidentKey = (kind: string, object: string): string => JSON.stringify(['risk', kind, object])

/** The id of the nth alert of a key: the same, however its findings came in. */
export const alertId = (by: Keyed, key: string, n: number): string => fingerprint(by, [key, n])
