/** `bricktrail rules show`. */
import { jsonText, printable, printableLines } from '../../core/printable.ts'
import type { PackRule, Parameter } from '../../detect/pack/pack.ts'
import { chosenRules } from '../../detect/review/chosen.ts'
import { linesText, ruleInWords } from '../../detect/review/describe.ts'
import type { CliContext } from '../contract.ts'
import { ruleObject } from './list.ts'
import { type PackFlags, packInForce, shownFile } from './pack.ts'

/** Shows the rules that are called so. */
export async function showRule(cli: CliContext, name: string, flags: PackFlags): Promise<void> {
  const pack = await packInForce(cli, flags)
  const rules = chosenRules(pack, [name])
  if (cli.json()) return cli.out(`${jsonText({ rules: rules.map(wholeObject) })}\n`)
  cli.out(rules.map((rule) => wholeText(rule, pack.disabled.includes(rule))).join('\n'))
}

const wholeObject = (each: PackRule): Readonly<Record<string, unknown>> => ({
  ...ruleObject(each),
  description: each.rule.meta.description,
  references: each.rule.meta.references,
  falsePositives: each.rule.meta.falsePositives,
  entity: each.content.entity,
  covers: each.content.covers,
  controls: each.content.controls,
  parameters: each.content.parameters,
  runbook: each.content.runbook,
  examples: { fires: each.content.fires, silent: each.content.silent },
})

function wholeText(each: PackRule, isDisabled: boolean): string {
  const { meta } = each.rule
  const { content } = each
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    [
      'level',
      `${each.level}${isDisabled ? ', DISABLED in detect.yaml' : each.feeds ? ', feeds other rules only' : ''}`,
    ],
    ['kind', 'type' in each.rule ? `${each.rule.kind}, ${each.rule.type}` : each.rule.kind],
    ['threat', content.threat],
    ['about', content.entity],
    ['status', meta.status],
    ['tags', meta.tags.join(', ')],
    ['id', meta.id],
    ['name', meta.name],
    ['file', shownFile(each.file)],
    ['version', each.version],
  ]
  const told = facts.flatMap(([name, value]) => (value ? [`${name.padEnd(10)}${printable(value)}\n`] : []))
  const sections = [
    section('Looks for', linesText(ruleInWords(each)).trimEnd().split('\n')),
    section('Parameters', content.parameters.flatMap(parameterLines)),
    section('False positives', meta.falsePositives),
    section(
      'Controls',
      Object.entries(content.controls).map(([framework, list]) => `${framework}: ${list.join(', ')}`),
    ),
    section(
      'Runbook',
      content.runbook.flatMap(({ title, sql }) => [title, `  ${sql}`]),
    ),
    section('Examples', [
      ...content.fires.map(({ name }) => `fires: ${name}`),
      ...content.silent.map(({ name }) => `silent: ${name}`),
    ]),
    section('References', meta.references),
  ]
  const description = meta.description === undefined ? '' : `${printableLines(meta.description.trim())}\n`
  return `${printable(meta.title)}\n${description}\n${told.join('')}${sections.join('')}`
}

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `\n${title}\n${lines.map((line) => `  ${printable(line)}\n`).join('')}`

function parameterLines({ name, value, fallback, reason }: Parameter): string[] {
  const own = jsonText(value)
  const changed = own === jsonText(fallback) ? '' : ` (set here; ${jsonText(fallback)} as shipped)`
  return [`${name} = ${own}${changed}`, `  ${reason}`]
}
