/** `bricktrail rules test`. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { EXIT } from '../../core/errors.ts'
import { jsonText, printable } from '../../core/printable.ts'
import type { PackRule, RulePack } from '../../detect/pack/pack.ts'
import { calledRule, chosenRules } from '../../detect/review/chosen.ts'
import { type ExampleResult, runExamples } from '../../detect/review/examples.ts'
import type { CliContext } from '../contract.ts'
import { isUnder, type PackFlags, packInForce, plural, shownFile, withCache } from './pack.ts'

/** Flags of `rules test`. */
export interface TestFlags extends PackFlags {
  readonly failed?: boolean
}

/** Runs the examples of the rules named, by path or name; of all where none is. Ends with 1 where one fails. */
export async function testRules(cli: CliContext, named: readonly string[], flags: TestFlags): Promise<void> {
  const { pack, rules } = await chosen(cli, named, flags)
  const wanted = new Set(rules)
  const results = await withCache(cli.home(), (home) => runExamples(pack, { home, wanted: (rule) => wanted.has(rule) }))
  const byRule = Map.groupBy(results, ({ rule }) => rule)
  const failed = results.filter(({ passed }) => !passed)
  // A rule that cannot be read passes no example.
  const isBroken = pack.problems.some(({ severity }) => severity === 'error')
  if (failed.length > 0 || isBroken) cli.exit(EXIT.findings)
  if (cli.json())
    return cli.out(
      `${jsonText({ examples: results.length, failed: failed.length, rules: rules.map((rule) => object(rule, byRule.get(rule) ?? [])) })}\n`,
    )
  for (const rule of rules) {
    const own = byRule.get(rule) ?? []
    if (flags.failed !== true || own.some(({ passed }) => !passed)) cli.out(text(rule, own))
  }
  cli.note(`${plural(results.length, 'example')} of ${plural(rules.length, 'rule')}: ${failed.length} failed.`)
}

/** Names that are paths are rules of their own; other names are rules in force. */
async function chosen(
  cli: CliContext,
  named: readonly string[],
  flags: TestFlags,
): Promise<{ pack: RulePack; rules: PackRule[] }> {
  const paths = named.filter((name) => existsSync(name)).map((path) => resolve(path))
  const names = named.filter((name) => !existsSync(name))
  const isAlone = paths.length > 0 && names.length === 0
  const pack = await packInForce(cli, {
    ...flags,
    rules: [...(flags.rules ?? []), ...paths],
    ...(isAlone ? { shipped: false } : {}),
  })
  const making = pack.rules.filter(({ feeds }) => !feeds)
  if (named.length === 0) return { pack, rules: making }
  const wanted = new Set(chosenRules(pack, names))
  const isOfPath = isUnder(paths)
  const ofPaths = making.filter(({ file }) => isOfPath(file))
  return { pack, rules: [...new Set([...pack.rules.filter((rule) => wanted.has(rule)), ...ofPaths])] }
}

function text(rule: PackRule, results: readonly ExampleResult[]): string {
  const failed = results.filter(({ passed }) => !passed)
  const count = (side: ExampleResult['expects']): number => results.filter(({ expects }) => expects === side).length
  const state = failed.length > 0 ? 'FAILED' : results.length === 0 ? 'none' : 'ok'
  const lines = failed.flatMap(({ expects, example, why }) => [
    `  ${expects === 'fires' ? 'must fire' : 'must not fire'}: ${printable(example.name)}`,
    ...why.map((sentence) => `    ${printable(sentence)}`),
  ])
  const file = failed.length > 0 ? `  ${shownFile(rule.file)}\n` : ''
  const head = `${state.padEnd(8)}${calledRule(rule)}: ${count('fires')} fire, ${count('silent')} silent\n`
  return head + file + lines.map((line) => `${line}\n`).join('')
}

const object = (rule: PackRule, results: readonly ExampleResult[]) => ({
  rule: calledRule(rule),
  key: rule.key,
  passed: results.every(({ passed }) => passed),
  examples: results.map(({ expects, example, passed, why }) => ({ name: example.name, expects, passed, why })),
})
