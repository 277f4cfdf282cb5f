/** `bricktrail catalogue`: what is known of each audit action, and which actions in the lake nobody has described yet. */
import type { ActionEntry, TargetSpec } from '../../normalise/catalogue/catalogue.ts'
import type { UnknownAction } from '../../normalise/catalogue/unknown.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'

interface Flags {
  readonly service?: string
  readonly action?: string
  readonly category?: string
  readonly verb?: string
  readonly keyEvent?: string
  readonly evidence?: string
  readonly unknown?: boolean
}

/** Adds `catalogue`. */
export const registerCatalogue: RegisterCommand = (program, cli) => {
  program
    .command('catalogue')
    .description('list the audit actions Bricktrail knows; lists (a,b) and * work in every filter')
    .option('--service <service>', 'such as unityCatalog')
    .option('--action <action>', 'such as "*Acl"')
    .option('--category <category>', 'authentication, permission, data_access, job, …')
    .option('--verb <verb>', 'read, create, grant, revoke, …')
    .option('--key-event <kind>', 'cluster_configuration, role_permission_update, job_execution, …')
    .option('--evidence <kind>', 'documented, code or recalled: how far an entry is evidenced')
    .option('--unknown', 'instead, actions in the lake that the catalogue does not list')
    .action(async (flags: Flags) => {
      const { stoppable } = await import('../stoppable.ts')
      await stoppable(cli, (signal) =>
        flags.unknown === true ? listUnknown(cli, flags, signal) : listKnown(cli, flags),
      )
    })
}

async function listKnown(cli: CliContext, flags: Flags): Promise<void> {
  const { catalogue } = await import('../../normalise/catalogue/catalogue.ts')
  const all = catalogue()
  const entries = all.filter(await entryFilter(flags))
  if (cli.json()) return cli.out(`${JSON.stringify({ entries })}\n`)
  const { printTable } = await import('../table.ts')
  printTable(
    cli,
    ['service', 'action', 'category', 'verb', 'key event', 'targets', 'level', 'evidence'],
    entries.map((e) => [e.service, e.action, e.category, e.verb, e.keyEvent, typesOf(e.targets), e.level, e.evidence]),
  )
  cli.note(`${entries.length.toLocaleString('en-US')} of ${all.length.toLocaleString('en-US')} actions.`)
}

async function listUnknown(cli: CliContext, flags: Flags, signal: AbortSignal): Promise<void> {
  const { unknownActionsSql } = await import('../../normalise/catalogue/unknown.ts')
  const { openLakeSandbox } = await import('../../ask/lake-relations.ts')
  const { jsonText } = await import('../../core/printable.ts')
  const { rowObject } = await import('../../ask/formats.ts')
  const { service, action } = await patternsOf(flags)
  const sandbox = await openLakeSandbox(cli.home())
  try {
    const { columns, rows } = await sandbox.query(unknownActionsSql('events'), { signal })
    const found = rows.map((row) => rowObject(columns, row) as unknown as UnknownAction)
    const unknown = found.filter((each) => service(each.service) && action(each.action))
    if (cli.json()) return cli.out(`${jsonText({ unknown })}\n`)
    if (unknown.length === 0) return cli.out('Every action in the lake is in the catalogue.\n')
    const { printTable } = await import('../table.ts')
    printTable(
      cli,
      ['service', 'action', 'events', 'first seen', 'last seen', 'taken as'],
      unknown.map((u) => [u.service, u.action, u.events, u.firstSeen, u.lastSeen, `${u.category}, ${u.verb}`]),
      ['events'],
    )
    cli.note(
      `${unknown.length.toLocaleString('en-US')} ${unknown.length === 1 ? 'action' : 'actions'} that the catalogue does not list; the events are kept.`,
    )
  } finally {
    await sandbox.close()
  }
}

const typesOf = (targets: readonly TargetSpec[]): string =>
  targets.map(({ type }) => (typeof type === 'string' ? type : type.else)).join(', ')

async function entryFilter(flags: Flags): Promise<(entry: ActionEntry) => boolean> {
  const { service, action, category, verb, keyEvent, evidence } = await patternsOf(flags)
  return (entry) =>
    service(entry.service) &&
    action(entry.action) &&
    category(entry.category) &&
    verb(entry.verb) &&
    keyEvent(entry.keyEvent ?? '') &&
    evidence(entry.evidence)
}

type Matches = (text: string) => boolean

/** A condition for each filter; throws BAD_ARGUMENT for a word that is in none of the closed lists. */
async function patternsOf(flags: Flags): Promise<Record<keyof Omit<Flags, 'unknown'>, Matches>> {
  const { CATEGORIES, EVIDENCE, KEY_EVENTS, VERBS } = await import('../../normalise/catalogue/vocabulary.ts')
  const { AppError } = await import('../../core/errors.ts')
  const { parsePatterns, patternTest } = await import('../../ask/filter.ts')
  const { checkClosed } = await import('../../ask/known-words.ts')
  const matcher = (option: string, list: string | undefined, known?: readonly { readonly name: string }[]): Matches => {
    if (list === undefined) return () => true
    const tests = parsePatterns(list).map(patternTest)
    if (tests.length === 0) throw new AppError('BAD_ARGUMENT', `--${option} is empty.`)
    if (known !== undefined) checkClosed(option, list, namesOf(known))
    return (text) => tests.some((test) => test(text))
  }
  return {
    service: matcher('service', flags.service),
    action: matcher('action', flags.action),
    category: matcher('category', flags.category, CATEGORIES),
    verb: matcher('verb', flags.verb, VERBS),
    keyEvent: matcher('key-event', flags.keyEvent, KEY_EVENTS),
    evidence: matcher('evidence', flags.evidence, EVIDENCE),
  }
}

const namesOf = (terms: readonly { readonly name: string }[]): string[] => terms.map(({ name }) => name)
