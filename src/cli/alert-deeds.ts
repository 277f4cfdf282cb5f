/** What people do to alerts and incidents alike, as commands. */
import type { Command } from 'commander'
import type { AlertKind } from '../alert/alert.ts'
import { AppError } from '../core/errors.ts'
import { type DeedFlags, onEach, withDeedOptions, wordOf } from './alerting.ts'
import type { CliContext } from './contract.ts'

/** Adds `ack`, `start`, `assign`, `resolve`, `reopen` and `note`. */
export function addDeeds(parent: Command, cli: CliContext, kind: AlertKind): void {
  addTaking(parent, cli, kind)
  addDeciding(parent, cli, kind)
}

/** A note where there is one. */
const noteOf = ({ note }: DeedFlags): { readonly note?: string } => (note === undefined ? {} : { note })

function addTaking(parent: Command, cli: CliContext, kind: AlertKind): void {
  const deed = (name: string, description: string) =>
    withDeedOptions(parent.command(name).description(description).argument('<id...>', `${kind}s`))
  deed('ack', 'say that somebody has seen it; escalations end').action((ids: string[], flags: DeedFlags) =>
    onEach(cli, kind, ids, {
      deed: { deed: 'acknowledge', ...noteOf(flags) },
      flags,
      words: { done: 'acknowledged', already: 'was acknowledged already' },
    }),
  )
  deed('start', 'say that somebody works on it').action((ids: string[], flags: DeedFlags) =>
    onEach(cli, kind, ids, {
      deed: { deed: 'start', ...noteOf(flags) },
      flags,
      words: { done: 'in progress', already: 'was in progress already' },
    }),
  )
  withDeedOptions(
    parent
      .command('assign')
      .description('give it to somebody')
      .argument('<name>', 'who; - for nobody')
      .argument('<id...>', `${kind}s`),
  ).action((name: string, ids: string[], flags: DeedFlags) => assignTo(cli, kind, { name: name.trim(), ids, flags }))
}

async function assignTo(
  cli: CliContext,
  kind: AlertKind,
  { name, ids, flags }: { readonly name: string; readonly ids: readonly string[]; readonly flags: DeedFlags },
): Promise<void> {
  if (name === '') throw new AppError('BAD_ARGUMENT', 'No name is given.', { hint: 'Use - for nobody.' })
  const assignee = name === '-' ? null : name
  await onEach(cli, kind, ids, {
    deed: { deed: 'assign', assignee, ...noteOf(flags) },
    flags,
    words: {
      done: assignee === null ? 'given back' : `assigned to ${assignee}`,
      already: assignee === null ? 'was nobody’s already' : `was assigned to ${assignee} already`,
    },
  })
}

interface ResolveFlags extends DeedFlags {
  readonly was: string
  readonly of?: string
}

function addDeciding(parent: Command, cli: CliContext, kind: AlertKind): void {
  const resolving = withDeedOptions(
    parent
      .command('resolve')
      .description('say what it was')
      .argument('<id...>', `${kind}s`)
      .requiredOption('--was <outcome>', 'true-positive, benign, false-positive or duplicate'),
  )
  resolving
    .option('--of <id>', `for duplicates: the ${kind} that it is one of`)
    .action((ids: string[], flags: ResolveFlags) => resolveAs(cli, kind, ids, flags))
  withDeedOptions(
    parent.command('reopen').description('open it again once it is resolved').argument('<id...>', `${kind}s`),
  ).action((ids: string[], flags: DeedFlags) =>
    onEach(cli, kind, ids, {
      deed: { deed: 'reopen', ...noteOf(flags) },
      flags,
      words: { done: 'reopened', already: '' },
    }),
  )
  parent
    .command('note')
    .description('add a note to its history')
    .argument('<id>', kind)
    .argument('<text>', 'what to write down')
    .option('--as <name>', 'who does it; the user of the system where absent')
    .action((id: string, text: string, flags: DeedFlags) =>
      onEach(cli, kind, [id], { deed: { deed: 'note', note: text }, flags, words: { done: 'noted', already: '' } }),
    )
}

async function resolveAs(cli: CliContext, kind: AlertKind, ids: readonly string[], flags: ResolveFlags): Promise<void> {
  const { OUTCOMES } = await import('../alert/state.ts')
  const was = wordOf('--was', flags.was, OUTCOMES)
  const { of } = flags
  if (of !== undefined && was !== 'duplicate')
    throw new AppError('BAD_ARGUMENT', '--of goes with --was duplicate.', {
      hint: 'Leave it out, or add --was duplicate.',
    })
  if (of === undefined && was === 'duplicate')
    throw new AppError('BAD_ARGUMENT', `A duplicate is one of another ${kind}, and that is not named.`, {
      hint: 'Add --of ID.',
    })
  await onEach(cli, kind, ids, {
    deed: { deed: 'resolve', outcome: was, ...(of === undefined ? {} : { duplicateOf: of }), ...noteOf(flags) },
    flags,
    words: { done: `resolved, ${was.replaceAll('_', ' ')}`, already: 'was that already' },
  })
}
