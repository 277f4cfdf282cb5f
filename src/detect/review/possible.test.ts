import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { matches } from '../../../test/sigma/evaluator.ts'
import { Chance, detectionByChance, textByChance } from '../../../test/sigma/random-rules.ts'
import { type AuditRecord, auditSubject } from '../../../test/sigma/records.ts'
import { parseRules } from '../sigma/parse.ts'
import { implies, isImpossible } from './possible.ts'

const FIELDS = [
  'userIdentity.email',
  'source_ip_address',
  'userAgent',
  'response.statusCode',
  'requestParams.a',
  'requestParams.j.k',
]

function recordByChance(chance: Chance): AuditRecord {
  const maybe = <T>(make: () => T): T | null => (chance.often(0.7) ? make() : null)
  const params = [
    ['a', () => textByChance(chance)],
    ['j', () => chance.one(['{"k":"ab"}', '{"k":["a","B"]}', '{"k":null}', '7'])],
  ] as const
  return {
    serviceName: 'accounts',
    actionName: 'login',
    auditLevel: null,
    email: maybe(() => textByChance(chance)),
    sourceIPAddress: maybe(() => chance.one(['10.1.2.3', '192.168.1.200'])),
    userAgent: maybe(() => textByChance(chance)),
    statusCode: maybe(() => chance.one([200, 403, 20, 1])),
    errorMessage: null,
    requestParams: Object.fromEntries(params.filter(() => chance.often(0.6)).map(([key, make]) => [key, make()])),
  }
}

/** A detection by chance, as written and as a tree; undefined for one that cannot be read. */
function ruleByChance(chance: Chance) {
  const detection = detectionByChance(chance, FIELDS)
  const { rules } = parseRules(stringify({ title: 'R', logsource: { product: 'databricks' }, detection }), 'r.yml')
  const [rule] = rules
  return rule?.kind === 'detection' ? { detection, tree: rule.tree } : undefined
}

describe('conditions by chance', () => {
  const chance = new Chance(4)
  const records = Array.from({ length: 150 }, () => auditSubject(recordByChance(chance)))
  const rules = Array.from({ length: 600 }, () => ruleByChance(chance)).flatMap((rule) => rule ?? [])

  it('that are called impossible are met by no record', () => {
    const impossible = rules.filter(({ tree }) => isImpossible(tree))
    expect(impossible.length).toBeGreaterThan(3)
    const met = impossible.filter(({ detection }) => records.some((record) => matches(detection, record)))
    expect(met.map(({ detection }) => detection)).toEqual([])
  })

  it('of which one is said to follow from another are met by all records that meet the other', () => {
    const pairs = rules.slice(0, 36).flatMap((narrow) => rules.slice(0, 36).map((wide) => ({ narrow, wide })))
    const implied = pairs.filter(({ narrow, wide }) => narrow !== wide && implies(narrow.tree, wide.tree))
    expect(implied.length).toBeGreaterThan(3)
    const broken = implied.filter(({ narrow, wide }) =>
      records.some((record) => matches(narrow.detection, record) && !matches(wide.detection, record)),
    )
    expect(broken.slice(0, 2)).toEqual([])
  })
})

describe('a condition too large to go through', () => {
  it('is left alone', () => {
    const parts = Array.from(
      { length: 14 },
      (_, at) => `  s${at}:\n    - requestParams.a: ${at}\n    - requestParams.j: ${at}`,
    )
    const text = `title: R\nlogsource: { product: databricks }\ndetection:\n${parts.join('\n')}\n  condition: all of s*\n`
    const [rule] = parseRules(text, 'r.yml').rules
    expect(rule?.kind === 'detection' && isImpossible(rule.tree)).toBe(false)
  })
})
