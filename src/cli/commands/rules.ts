/** `bricktrail rules`: the rules in force, what they look for, whether they are right, and what they would have found. */
import type { Command } from 'commander'
import type { CliContext, RegisterCommand } from '../contract.ts'
import type { BacktestFlags } from '../rules/backtest.ts'
import type { CoverageFlags } from '../rules/coverage.ts'
import type { TestFlags } from '../rules/examples.ts'
import type { ExplainFlags } from '../rules/explain.ts'
import type { LintFlags } from '../rules/lint.ts'
import type { ListFlags } from '../rules/list.ts'
import type { PackFlags } from '../rules/pack.ts'

const again = (one: string, before: readonly string[] = []): string[] => [...before, one]

/** Adds `rules` and what it has below it. */
export const registerRules: RegisterCommand = (program, cli) => {
  const rules = program
    .command('rules')
    .description('detection rules: list, explain, check and try them')
    .helpCommand(false)
  registerReading(rules, cli)
  registerChecking(rules, cli)
  registerTrying(rules, cli)
}

/** A command below `rules` that works on the rules in force. */
function onPack(rules: Command, name: string, description: string): Command {
  return rules
    .command(name)
    .description(description)
    .option('--rules <path>', 'a folder or file of rules besides those of detect.yaml; may be given again', again)
    .option('--no-shipped', 'without the rules that come with Bricktrail')
}

function registerReading(rules: Command, cli: CliContext): void {
  onPack(rules, 'list', 'list the rules in force; lists (a,b) and * work in every filter')
    .option('--threat <threat>', 'such as exfiltration or account-takeover')
    .option('--level <level>', 'informational, low, medium, high or critical')
    .option('--tag <tag>', 'such as attack.t1098 or "attack.t1552*"')
    .option('--kind <kind>', 'detection, correlation or baseline')
    .option('--all', 'base rules, which only feed correlations, and disabled ones too')
    .action(async (flags: ListFlags) => (await import('../rules/list.ts')).listRules(cli, flags))
  onPack(rules, 'show', 'show everything a rule says of itself')
    .argument('<name>', 'name of its file without .yml, id, name or title')
    .action(async (name: string, flags: PackFlags) => (await import('../rules/show.ts')).showRule(cli, name, flags))
  onPack(rules, 'explain', 'say what a rule looks for, in words and as SQL, and why it matches an event or does not')
    .argument('<name>', 'name of its file without .yml, id, name or title')
    .argument('[event]', 'id of an event of the lake')
    .option('--sql', 'only the SQL')
    .action(async (name: string, event: string | undefined, flags: ExplainFlags) =>
      (await import('../rules/explain.ts')).explainRule(cli, name, event, flags),
    )
}

function registerChecking(rules: Command, cli: CliContext): void {
  rules
    .command('lint')
    .description(
      'look for faults: unknown names, conditions that cannot hold, missing examples, queries that do not run',
    )
    .argument('[path...]', 'folders or files of rules; all rules in force where absent')
    .option('--strict', 'end with 1 for warnings too')
    .action(async (paths: string[], flags: LintFlags) =>
      (await import('../rules/lint.ts')).lintRules(cli, paths, flags),
    )
  onPack(rules, 'test', 'run the examples of rules: those that must fire, and those that must not')
    .argument('[path|name...]', 'folders or files of rules, or names of rules; all where absent')
    .option('--failed', 'list only rules whose examples fail')
    .action(async (names: string[], flags: TestFlags) =>
      (await import('../rules/examples.ts')).testRules(cli, names, flags),
    )
}

function registerTrying(rules: Command, cli: CliContext): void {
  onPack(rules, 'coverage', 'which techniques of ATT&CK and which audit actions the rules in force look at')
    .option('--navigator <file>', 'write a layer for the ATT&CK Navigator; - for standard output')
    .option('--actions', 'list the actions that no rule looks at')
    .action(async (flags: CoverageFlags) => (await import('../rules/coverage.ts')).showCoverage(cli, flags))
  onPack(rules, 'backtest', 'what rules would have found in the events of the lake, day by day')
    .argument('[name...]', 'rules; all where absent')
    .option('--from <time>', 'not before: ISO, "30d ago", "last monday", 2026-11; UTC')
    .option('--to <time>', 'not after; a day or month is included')
    .action(async (names: string[], flags: BacktestFlags) => {
      const { stoppable } = await import('../stoppable.ts')
      await stoppable(cli, async (signal) =>
        (await import('../rules/backtest.ts')).backtestRules(cli, names, flags, signal),
      )
    })
}
