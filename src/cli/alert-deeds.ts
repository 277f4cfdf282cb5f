/** What people do to alerts and incidents alike, as commands. */
import type { Command } from 'commander'
import type { Alert, AlertKind } from '../alert/alert.ts'
import type { AlertsFile } from '../alert/alerts-file.ts'
import { AppError } from '../core/errors.ts'
import { type DeedFlags, onEach, whoOf, withDeedOptions, wordOf } from './alerting.ts'
import type { CliContext } from './contract.ts'

/** Adds `ack`, `start`, `assign`, `resolve`, `reopen` and `note`. */
export function addDeeds(parent: Command, cli: CliContext, kind: AlertKind): void {
  addTaking(parent, cli, kind)
  addDeciding(parent, cli, kind)
}

const actingOf = (cli: CliContext, flags: DeedFlags) => ({
  who: whoOf(flags),
  nowMs: cli.now().getTime(),
  why: flags.note,
})

function addTaking(parent: Command, cli: CliContext, kind: AlertKind): void {
  const deed = (name: string, description: string) =>
    withDeedOptions(parent.command(name).description(description).argument('<id...>', `${kind}s`))
  deed('ack', 'say that somebody has seen it; escalations end').action(async (ids: string[], flags: DeedFlags) => {
    const { acknowledge } = await import('../alert/act.ts')
    await onEach(cli, kind, ids, {
      work: (file, alert) => acknowledge(file, alert, actingOf(cli, flags)),
      done: 'acknowledged',
      already: 'was acknowledged already',
    })
  })
  deed('start', 'say that somebody works on it').action(async (ids: string[], flags: DeedFlags) => {
    const { start } = await import('../alert/act.ts')
    await onEach(cli, kind, ids, {
      work: (file, alert) => start(file, alert, actingOf(cli, flags)),
      done: 'in progress',
      already: 'was in progress already',
    })
  })
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
  const { assign } = await import('../alert/act.ts')
  if (name === '') throw new AppError('BAD_ARGUMENT', 'No name is given.', { hint: 'Use - for nobody.' })
  const assignee = name === '-' ? null : name
  await onEach(cli, kind, ids, {
    work: (file, alert) => assign(file, alert, assignee, actingOf(cli, flags)),
    done: assignee === null ? 'given back' : `assigned to ${assignee}`,
    already: assignee === null ? 'was nobody’s already' : `was assigned to ${assignee} already`,
  })
}

interface ResolveFlags extends DeedFlags {
  readonly was: string
  readonly of?: string
}

function addDeciding(parent: Command, cli: CliContext, kind: AlertKind): void {
  const always = (work: (file: AlertsFile, alert: Alert) => void) => (file: AlertsFile, alert: Alert) => {
    work(file, alert)
    return true
  }
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
  ).action(async (ids: string[], flags: DeedFlags) => {
    const { reopen } = await import('../alert/act.ts')
    const work = always((file, alert) => reopen(file, alert, actingOf(cli, flags)))
    await onEach(cli, kind, ids, { work, done: 'reopened', already: '' })
  })
  parent
    .command('note')
    .description('add a note to its history')
    .argument('<id>', kind)
    .argument('<text>', 'what to write down')
    .option('--as <name>', 'who does it; the user of the system where absent')
    .action(async (id: string, text: string, flags: DeedFlags) => {
      const { addNote } = await import('../alert/act.ts')
      const work = always((file, alert) => addNote(file, alert, text, actingOf(cli, flags)))
      await onEach(cli, kind, [id], { work, done: 'noted', already: '' })
    })
}

async function resolveAs(cli: CliContext, kind: AlertKind, ids: readonly string[], flags: ResolveFlags): Promise<void> {
  const { resolve } = await import('../alert/act.ts')
  const { alertNamed } = await import('../alert/alert.ts')
  const { OUTCOMES } = await import('../alert/state.ts')
  const was = wordOf('--was', flags.was, OUTCOMES)
  const { of } = flags
  if (of !== undefined && was !== 'duplicate')
    throw new AppError('BAD_ARGUMENT', '--of goes with --was duplicate.', {
      hint: 'Leave it out, or add --was duplicate.',
    })
  await onEach(cli, kind, ids, {
    work: (file, alert) =>
      resolve(file, alert, was, {
        ...actingOf(cli, flags),
        ...(of === undefined ? {} : { duplicateOf: alertNamed(file, kind, of) }),
      }),
    done: `resolved, ${was.replaceAll('_', ' ')}`,
    already: 'was that already',
  })
}
