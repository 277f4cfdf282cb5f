/** `docs/reference/rules.md` is made from the pack; UPDATE_DOCS=1 writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { expect, it } from 'vitest'
import { THREATS } from '../src/detect/pack/content.ts'
import { loadPack } from '../src/detect/pack/load.ts'
import type { PackRule } from '../src/detect/pack/pack.ts'
import { SHIPPED_RULES } from '../src/detect/pack/rule-folders.ts'
import { attackTags, TACTICS } from '../src/detect/review/attack.ts'
import { calledRule } from '../src/detect/review/chosen.ts'
import { type Coverage, coverageOf, isUncovered } from '../src/detect/review/coverage.ts'
import { LEVELS } from '../src/detect/sigma/rule.ts'

const PAGE = new URL('../docs/reference/rules.md', import.meta.url)

const KINDS = ['detection', 'correlation', 'baseline'] as const

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '\\<')

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[], numbers = 0): string =>
  [row(head), row(head.map((_, at) => (at >= head.length - numbers ? '---:' : '---'))), ...rows.map(row)].join('\n')

const count = (rules: readonly PackRule[], is: (rule: PackRule) => boolean): number => rules.filter(is).length

function threats(rules: readonly PackRule[]): string {
  const levels = [...LEVELS].reverse()
  const line = (name: string, own: readonly PackRule[]) => [
    name,
    own.length,
    ...levels.map((level) => count(own, (rule) => rule.level === level)),
    ...KINDS.slice(1).map((kind) => count(own, ({ rule }) => rule.kind === kind)),
  ]
  const rows = THREATS.map((threat) => {
    const own = rules.filter(({ content }) => content.threat === threat)
    return line(`[${threat}](#${threat})`, own)
  })
  const head = ['threat', 'rules', ...levels, 'correlations', 'baselines']
  return table(head, [...rows, line('all', rules)], head.length - 1)
}

const ofKind = ({ rule }: PackRule): string => ('type' in rule ? rule.type : 'event')

function listOf(threat: string, rules: readonly PackRule[]): string {
  const own = rules.filter(({ content }) => content.threat === threat)
  const rows = own.map((each) => [
    `[${calledRule(each)}](../../rules/${relative(SHIPPED_RULES, each.file)})`,
    cell(each.rule.meta.title),
    each.level,
    ofKind(each),
    attackTags(each.rule.meta.tags).techniques.join(' '),
  ])
  return `### ${threat}\n\n${table(['rule', 'finds', 'level', 'kind', 'techniques'], rows)}`
}

function page({ rules, techniques, tactics, actions }: Coverage, examples: number, base: number): string {
  const named = held(actions.map(({ named: own }) => own.length > 0))
  const uncovered = held(actions.map(isUncovered))
  const kinds = KINDS.map((kind) => count(rules, ({ rule }) => rule.kind === kind))
  return `# The rules

This page is made from \`rules/\` (\`UPDATE_DOCS=1 npx vitest run test/rules-page.test.ts\`), and a test fails when the two differ.
\`bricktrail rules list\` and \`bricktrail rules show NAME\` tell more, and what your own settings make of it.

${rules.length} rules make findings: ${kinds[0]} about single events, ${kinds[1]} about several, ${kinds[2]} about what is unusual. ${base} more only feed others. They have
${examples} examples, each of which fires or stays silent as the rule says ([test](../../test/rules-examples.test.ts)). A file is a rule in the
Sigma format with a block of ours: [006](../design/006-rule-files.md). To write one: [Write a rule](../how-to/write-a-rule.md).

## By threat

${threats(rules)}

## Coverage

The rules look for ${techniques.length} techniques of ATT&CK. Of the ${actions.length} actions in the [catalogue](catalogue.md), ${named} are named by a rule, ${actions.length - named - uncovered} are
reached by their service, category or kind, and ${uncovered} by none: reading of dashboards, lineage and the like. \`bricktrail rules coverage\` lists
them; \`--navigator FILE\` writes a layer for the ATT&CK Navigator.

${table(
  ['tactic', 'rules'],
  TACTICS.map((tactic) => [tactic, tactics.get(tactic) ?? 0]),
  1,
)}

## All rules

${THREATS.map((threat) => listOf(threat, rules)).join('\n\n')}
`
}

const held = (truths: readonly boolean[]): number => truths.filter(Boolean).length

it('the page has every shipped rule; UPDATE_DOCS=1 writes it anew', async () => {
  const pack = await loadPack()
  const coverage = coverageOf(pack)
  const examples = pack.rules.reduce((sum, { content }) => sum + content.fires.length + content.silent.length, 0)
  const made = page(coverage, examples, pack.rules.length - coverage.rules.length)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, made)
  expect(readFileSync(PAGE, 'utf8')).toBe(made)
  expect(coverage.rules.every(({ content }) => content.threat !== undefined)).toBe(true)
})
