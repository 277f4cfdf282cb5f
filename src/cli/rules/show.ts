/** `bricktrail rules show`. */
import { jsonText, printable, printableLines } from '../../core/printable.ts'
import type { PackRule, Parameter } from '../../detect/pack/pack.ts'
import { chosenRules } from '../../detect/review/chosen.ts'
import { linesText, ruleInWords } from '../../detect/review/describe.ts'
import type { RuleDetail } from '../../serve/shapes/rules.ts'
import type { CliContext, ServerWish } from '../contract.ts'
import { ruleObject } from './list.ts'
import { checkPackFlags, type PackFlags, packInForce, shownFile } from './pack.ts'

/** What is told of a rule, wherever it is in force. */
interface RuleText {
  readonly title: string
  readonly description: string | undefined
  readonly facts: readonly (readonly [name: string, value: string | undefined])[]
  readonly sections: readonly (readonly [title: string, lines: readonly string[]])[]
  /** For machines. */
  readonly object: Readonly<Record<string, unknown>>
}

/** Shows the rules that are called so. */
export async function showRule(cli: CliContext, name: string, flags: PackFlags): Promise<void> {
  const wish = cli.server()
  const rules = wish === undefined ? await ofHome(cli, name, flags) : await ofServer(wish, name, flags)
  if (cli.json()) return cli.out(`${jsonText({ rules: rules.map(({ object }) => object) })}\n`)
  cli.out(rules.map(wholeText).join('\n'))
}

async function ofHome(cli: CliContext, name: string, flags: PackFlags): Promise<readonly RuleText[]> {
  const pack = await packInForce(cli, flags)
  return chosenRules(pack, [name]).map((rule) => textOf(rule, pack.disabled.includes(rule)))
}

async function ofServer(wish: ServerWish, name: string, flags: PackFlags): Promise<readonly RuleText[]> {
  checkPackFlags(flags)
  const { serverRulesNamed } = await import('../../remote/rules.ts')
  const { withServer } = await import('../server.ts')
  const rules = await withServer(wish, (api) => serverRulesNamed(api, name))
  return rules.map(serverText)
}

function serverText(rule: RuleDetail): RuleText {
  const off = rule.enabled ? '' : ', DISABLED'
  return {
    title: rule.title,
    description: rule.description === '' ? undefined : rule.description,
    facts: [
      ['level', `${rule.level}${off}`],
      ['kind', rule.kind],
      ['threat', rule.threat ?? undefined],
      ['status', rule.status ?? undefined],
      ['tactics', [...rule.tactics, ...rule.techniques].join(', ')],
      ['id', rule.id],
      ['name', rule.name],
      ['file', rule.file],
      ['fired', rule.lastFired === null ? 'never' : `${rule.findings} findings in 30 days, last ${rule.lastFired}`],
    ],
    sections: [
      ['Parameters', rule.parameters.flatMap(serverParameterLines)],
      ['False positives', rule.falsePositives],
      ['Controls', rule.controls],
      ['Runbook', rule.runbook.flatMap(({ title, sql }) => (sql === null ? [] : [title, `  ${sql}`]))],
      ['References', rule.references],
      ['Rule', rule.yaml.trimEnd().split('\n')],
    ],
    object: { rule: rule.name, key: rule.id, ...rule },
  }
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

function textOf(each: PackRule, isDisabled: boolean): RuleText {
  const { meta } = each.rule
  const { content } = each
  return {
    title: meta.title,
    description: meta.description,
    facts: [
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
    ],
    sections: [
      ['Looks for', linesText(ruleInWords(each)).trimEnd().split('\n')],
      ['Parameters', content.parameters.flatMap(parameterLines)],
      ['False positives', meta.falsePositives],
      ['Controls', Object.entries(content.controls).map(([framework, list]) => `${framework}: ${list.join(', ')}`)],
      ['Runbook', content.runbook.flatMap(({ title, sql }) => [title, `  ${sql}`])],
      [
        'Examples',
        [...content.fires.map(({ name }) => `fires: ${name}`), ...content.silent.map(({ name }) => `silent: ${name}`)],
      ],
      ['References', meta.references],
    ],
    object: wholeObject(each),
  }
}

function wholeText({ title, description: said, facts, sections }: RuleText): string {
  const told = facts.flatMap(([name, value]) => (value ? [`${name.padEnd(10)}${printable(value)}\n`] : []))
  const description = said === undefined ? '' : `${printableLines(said.trim())}\n`
  return `${printable(title)}\n${description}\n${told.join('')}${sections.map(([name, lines]) => section(name, lines)).join('')}`
}

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `\n${title}\n${lines.map((line) => `  ${printable(line)}\n`).join('')}`

function parameterLines({ name, value, fallback, reason }: Parameter): string[] {
  const own = jsonText(value)
  const changed = own === jsonText(fallback) ? '' : ` (set here; ${jsonText(fallback)} as shipped)`
  return [`${name} = ${own}${changed}`, `  ${reason}`]
}

function serverParameterLines({ name, value, usual, reason }: RuleDetail['parameters'][number]): string[] {
  const own = jsonText(value)
  const changed = own === jsonText(usual) ? '' : ` (set there; ${jsonText(usual)} as shipped)`
  return [`${name} = ${own}${changed}`, ...(reason === null ? [] : [`  ${reason}`])]
}
