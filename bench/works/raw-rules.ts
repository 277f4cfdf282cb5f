/** Rules of the pack that any evaluator of the standard can run over delivered records: they ask for delivered names alone. */
import { readFile } from 'node:fs/promises'
import { parseAllDocuments, stringify } from 'yaml'
import { ruleFilesIn, SHIPPED_RULES } from '../../src/detect/pack/rule-folders.ts'
import { parseRules } from '../../src/detect/sigma/parse.ts'
import type { DetectionRule } from '../../src/detect/sigma/rule.ts'
import { fieldsOf, itemsOf } from '../../src/detect/sigma/tree.ts'

/** Names that delivered records have as they are. */
const DELIVERED =
  /^(serviceName|actionName|auditLevel|userAgent|sourceIPAddress|userIdentity\.email|response\.(statusCode|errorMessage)|requestParams\.\w+)$/

/** A rule, and its text without what the standard has no place for. */
export interface RawRule {
  readonly text: string
  readonly rule: DetectionRule
}

/** The rules; those with parameters of a site are left out. */
export async function rulesForAll(): Promise<RawRule[]> {
  const files = await ruleFilesIn(SHIPPED_RULES)
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  return texts.flatMap((text) =>
    parseAllDocuments(text).flatMap((document): RawRule[] => {
      const { title, logsource, detection } = document.toJS() as Record<string, unknown>
      if (detection === undefined || JSON.stringify(detection).includes('%')) return []
      const own = stringify({ title, logsource, detection })
      const [rule] = parseRules(own, 'rule.yml').rules
      return rule?.kind === 'detection' && isRaw(rule) ? [{ text: own, rule }] : []
    }),
  )
}

const isRaw = ({ tree }: DetectionRule): boolean =>
  fieldsOf(tree).every((field) => DELIVERED.test(field)) && itemsOf(tree).every(({ field }) => field !== null)
