/** `bricktrail rules coverage`. */
import { jsonText, printable } from '../../core/printable.ts'
import { TACTICS } from '../../detect/review/attack.ts'
import { calledRule } from '../../detect/review/chosen.ts'
import { type Coverage, coverageOf, isUncovered } from '../../detect/review/coverage.ts'
import { navigatorLayer } from '../../detect/review/navigator.ts'
import { openForWriting } from '../answers.ts'
import type { CliContext } from '../contract.ts'
import { printTable } from '../table.ts'
import { type PackFlags, packInForce, plural } from './pack.ts'

/** Flags of `rules coverage`. */
export interface CoverageFlags extends PackFlags {
  readonly navigator?: string
  readonly actions?: boolean
}

/** Name of the layer in the Navigator. */
const LAYER = 'Bricktrail rules for Databricks'

/** Rules named beside a technique. */
const EXAMPLES = 3

/** Shows what the rules in force cover. */
export async function showCoverage(cli: CliContext, flags: CoverageFlags): Promise<void> {
  const coverage = coverageOf(await packInForce(cli, flags, { examples: false }))
  if (flags.navigator !== undefined) {
    const layer = `${JSON.stringify(navigatorLayer(coverage, LAYER), null, 2)}\n`
    if (flags.navigator === '-') return cli.out(layer)
    await writeLayer(flags.navigator, layer)
    cli.note(
      `Wrote ${plural(coverage.techniques.length, 'technique')} to ${printable(flags.navigator)}; open it in the ATT&CK Navigator.`,
    )
  }
  if (cli.json()) return cli.out(`${jsonText(coverageObject(coverage))}\n`)
  if (flags.actions === true) return listUncovered(cli, coverage)
  if (flags.navigator === undefined) printCoverage(cli, coverage)
}

async function writeLayer(path: string, layer: string): Promise<void> {
  const { write, close } = await openForWriting(path)
  try {
    await write(layer)
  } finally {
    await close()
  }
}

function printCoverage(cli: CliContext, { rules, techniques, tactics, actions, services }: Coverage): void {
  printTable(
    cli,
    ['tactic', 'rules'],
    TACTICS.map((tactic) => [tactic, tactics.get(tactic) ?? 0]),
    ['rules'],
  )
  cli.out('\n')
  printTable(
    cli,
    ['technique', 'rules', 'such as'],
    techniques.map(({ id, rules: own }) => [id, own.length, own.slice(0, EXAMPLES).map(calledRule).join(', ')]),
    ['rules'],
  )
  cli.out('\n')
  const columns = ['service', 'actions', 'by name', 'by kind', 'uncovered']
  printTable(
    cli,
    columns,
    services.map(({ service, actions: all, named, byKind, uncovered }) => [service, all, named, byKind, uncovered]),
    columns.slice(1),
  )
  const named = actions.filter((each) => each.named.length > 0).length
  const uncovered = actions.filter(isUncovered).length
  cli.note(
    `${plural(rules.length, 'rule')}; ${plural(techniques.length, 'technique')}; of ${plural(actions.length, 'action')} ${named} by name, ${actions.length - named - uncovered} by kind, ${uncovered} by none (--actions lists them).`,
  )
}

function listUncovered(cli: CliContext, { actions }: Coverage): void {
  const uncovered = actions.filter(isUncovered)
  printTable(
    cli,
    ['service', 'action', 'category', 'verb', 'key event'],
    uncovered.map(({ entry }) => [entry.service, entry.action, entry.category, entry.verb, entry.keyEvent]),
  )
  cli.note(`No rule looks at ${uncovered.length} of ${plural(actions.length, 'action')}.`)
}

const coverageObject = ({ rules, tactics, techniques, actions, services }: Coverage) => ({
  rules: rules.length,
  tactics: Object.fromEntries(tactics),
  techniques: techniques.map(({ id, rules: own }) => ({ id, rules: own.map(calledRule) })),
  services,
  actions: actions.map(({ entry, named, byKind }) => ({
    service: entry.service,
    action: entry.action,
    named: named.map(calledRule),
    byKind: byKind.map(calledRule),
  })),
})
