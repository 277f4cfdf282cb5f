/** Looks through rule files for what is wrong with them, though they can be read. */
import { readFile } from 'node:fs/promises'
import { readDocuments, type YamlDocument, type YamlMap } from '../../core/yaml/documents.ts'
import type { Place, Problem } from '../../core/yaml/place.ts'
import { programmeOf } from '../job/programme.ts'
import type { PackRule, RulePack } from '../pack/pack.ts'
import { SEGMENT_RULE } from '../segment/segment.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import { conditionProblems } from './lint-conditions.ts'
import {
  blockOf,
  inOrder,
  lintCompared,
  lintEntity,
  lintExamples,
  lintParameters,
  lintTags,
  lintUnlisted,
} from './lint-content.ts'
import { lintNames, type NameLint } from './lint-names.ts'
import { RunbookLint } from './lint-runbook.ts'

/** What a lint came to. */
export interface LintReport {
  readonly files: number
  readonly rules: number
  /** By file and place. */
  readonly problems: readonly Problem[]
}

/** Logs whose names the catalogue knows. */
const OUR_PRODUCT = 'databricks'

/**
 * Looks through the files of a pack.
 *
 * @param wanted picks files by their path
 */
export async function lintPack(pack: RulePack, wanted: (file: string) => boolean = () => true): Promise<LintReport> {
  // The rule of environments stands in no file; the settings that make it are checked as they are read.
  const all = [...pack.rules, ...pack.disabled, ...pack.elsewhere].filter(({ key }) => key !== SEGMENT_RULE)
  const rules = all.filter(({ file }) => wanted(file))
  const problems = [...pack.problems, ...programmeOf(pack).problems].filter(({ place }) => wanted(place.file))
  const byFile = Map.groupBy(rules, ({ file }) => file)
  const runbooks = await RunbookLint.open()
  try {
    const found: Problem[] = [...problems]
    for (const [file, own] of byFile) found.push(...(await lintFile(file, own, runbooks)))
    const files = new Set([...byFile.keys(), ...problems.map(({ place }) => place.file)])
    return { files: files.size, rules: rules.length, problems: inOrder(found) }
  } finally {
    runbooks.close()
  }
}

async function lintFile(file: string, rules: readonly PackRule[], runbooks: RunbookLint): Promise<Problem[]> {
  const { documents } = readDocuments(await readFile(file, 'utf8'), file)
  const found: Problem[] = []
  const met = new Set<string>()
  const lint: NameLint = {
    unlisted: new Set(documents.flatMap(unlistedIn)),
    met: (name) => met.add(name),
    report: (problem) => found.push(problem),
  }
  for (const document of documents) {
    const rule = rules.find(({ rule: { meta } }) => isSamePlace(meta.place, document.placeOf(['title'])))
    if (rule === undefined) continue
    found.push(...conditionProblems(rule, (path) => document.placeOf(path)))
    lintRuleNames(document, rule, lint)
    lintTags(document)
    lintEntity(document, lint)
    if (!rule.feeds) lintExamples(document, lint)
    await runbooks.lint(document)
  }
  lintParameters(documents)
  for (const document of documents) lintUnlisted(document, met)
  return [...found, ...documents.flatMap(({ problems }) => problems)]
}

function lintRuleNames(document: YamlDocument, rule: PackRule, lint: NameLint): void {
  const detection = detectionOf(rule)
  if (detection !== undefined && detection.logsource.product?.toLowerCase() !== OUR_PRODUCT) return
  if (detection !== undefined) lintNames(detection.tree, lint)
  lintCompared(document, rule, lint)
}

const detectionOf = ({ rule }: PackRule): DetectionRule | undefined => {
  if (rule.kind === 'detection') return rule
  return rule.kind === 'baseline' ? rule.select : undefined
}

const isSamePlace = (a: Place, b: Place): boolean => a.line === b.line && a.column === b.column

function unlistedIn(document: YamlDocument): string[] {
  const { unlisted } = blockOf(document)
  const entries = Array.isArray(unlisted) ? (unlisted as readonly YamlMap[]) : []
  return entries.map((entry) => String(entry?.name).toLowerCase())
}
