import { readFileSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { expect, it } from 'vitest'
import type { CliContext } from './contract.ts'
import { COMMANDS } from './registry.ts'

const PAGE = new URL('../../docs/reference/cli.md', import.meta.url)

const INTRO = `# Command line

\`bricktrail\` in a folder where the package is installed, \`npx bricktrail\` in a clone. This page is made from the program
(\`UPDATE_DOCS=1 npx vitest run src/cli/cli-page.test.ts\`), and a test fails when the two differ. Every command also
takes \`--help\`.

| for every command | what it does |
| --- | --- |
| \`--home <dir>\` | the data folder; without it \`BRICKTRAIL_HOME\`, else \`./bricktrail-data\`; for the demo's simulated account \`./bricktrail-demo\` |
| \`--server <url>\` | asks the service at this address instead of a home; without it \`BRICKTRAIL_SERVER\`, unless \`--home\` is given |
| \`--token-file <file>\` | the token to ask it with, in a file that only its owner may read; without it \`BRICKTRAIL_TOKEN\` |
| \`--ca-file <file>\` | certificates of authorities to trust besides the usual ones, PEM |
| \`--plain-http\` | asks over \`http://\` on another machine, too, where others could read the token |
| \`--json\` | prints one machine-readable object and nothing else on standard output |

All stand before or after the name of the command. Answers go to standard output, notes and progress to standard error;
progress shows on a terminal only, and once a step has taken a second. What can be asked of a server, and what needs a home:
[Use the command line over the API](../how-to/use-the-command-line-over-the-api.md).

Exit codes: 0 fine, 1 findings or a failed proof, 2 bad input, 3 bad configuration or environment, 130 stopped by Ctrl-C.
[Errors](errors.md) lists every code a command can fail with.`

/** More about a command than its help has room for. */
const MORE: Readonly<Record<string, string>> = {
  demo: `Without \`path\`, the simulated account has a home of its own, so that it never mixes with real logs: \`./bricktrail-demo\`,
or what \`--home\` names; \`BRICKTRAIL_HOME\` does not count. Name it to ask about the demo:
\`bricktrail --home bricktrail-demo events\`. With \`path\`, the logs go to the data folder that every other command uses.
Neither takes a folder that holds the other kind.`,
  ingest: 'How to get at the logs: [Ingest your logs](../how-to/ingest-your-logs.md).',
  compact:
    'Deletions are put on record in the seal before they happen: [design 005](../design/005-seal.md), "Entries".',
  seal: `Without a command, the same as \`seal status\`. It ends with 1 where something is not sealed, an anchor fails, or the lake
is behind its seal. What can be set: [Settings of the seal](../how-to/seal-settings.md).`,
  'seal restore':
    'When to use it: [After a backup was put back](../how-to/seal-settings.md#after-a-backup-was-put-back).',
  'seal anchor': 'Ingestion does it by itself; this tries those again that failed.',
  prove: `The proof of an event has its row in full, so it is for those who may read the event. A period is a folder with all leaves between
two checkpoints and the files they name. How to check either: [Verify as an auditor](../how-to/verify-as-an-auditor.md).`,
  detect: `Ingestion does it by itself. With \`--input\` it ends with 1 where anything is found. More:
[Detect](../how-to/detect.md).`,
  findings: 'The columns: [events.md](events.md).',
  query: 'The relations: [events.md](events.md). What a query may do, and the sandbox: [query.md](query.md).',
  events: 'How filters and times are written: [query.md](query.md).',
  rejects: 'The columns: [events.md](events.md).',
  export: 'What each format holds: [exports.md](exports.md).',
  catalogue: 'The list as a page: [catalogue.md](catalogue.md).',
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '\\<')

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

const table = (head: string, rows: readonly string[]): string[] =>
  rows.length === 0 ? [] : [`| ${head} | | default |\n| --- | --- | --- |\n${rows.join('\n')}`]

const fallback = (value: unknown): string => (value === undefined || value === false ? '' : `\`${value}\``)

/** A command, and those below it. */
function sections(command: Command, parents: readonly string[] = []): string[] {
  const names = [...parents, command.name()]
  return [section(command, names), ...command.commands.flatMap((below) => sections(below, names))]
}

function section(command: Command, names: readonly string[]): string {
  const name = names.join(' ')
  const given = command.registeredArguments.map(
    (argument) => `| \`${argument.name()}\` | ${cell(argument.description)} | ${fallback(argument.defaultValue)} |`,
  )
  const options = command.options.map(
    (option) => `| \`${option.flags}\` | ${cell(option.description)} | ${fallback(option.defaultValue)} |`,
  )
  return [
    `${'#'.repeat(names.length + 1)} ${name}`,
    sentence(command.description()),
    `\`\`\`text\nbricktrail ${name} ${command.usage()}\n\`\`\``,
    ...table('argument', given),
    ...table('option', options),
    ...(MORE[name] === undefined ? [] : [MORE[name]]),
  ].join('\n\n')
}

function page(): string {
  const program = new Command('bricktrail')
  for (const register of COMMANDS) register(program, {} as CliContext)
  return `${[INTRO, ...program.commands.flatMap((command) => sections(command))].join('\n\n')}\n`
}

it('the page has every command and option of the program; UPDATE_DOCS=1 writes it anew', () => {
  if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, page())
  expect(readFileSync(PAGE, 'utf8')).toBe(page())
})

it('the page says more of no command that is not there', () => {
  const names = [...page().matchAll(/^#+ (.+)$/gm)].map((match) => match[1])
  expect(Object.keys(MORE).filter((name) => !names.includes(name))).toEqual([])
})
