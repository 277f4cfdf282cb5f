/** `bricktrail deliver`: sends what waits, and shows how each destination is doing. */
import type { Command } from 'commander'
import { AppError, EXIT } from '../../core/errors.ts'
import type { Delivery } from '../../deliver/open.ts'
import type { DeadLetter } from '../../deliver/outbox.ts'
import type { Account } from '../../deliver/outbox-file.ts'
import type { DeliverSettings } from '../../deliver/settings.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'

/** Adds `deliver` and its commands. */
export const registerDeliver: RegisterCommand = (program, cli) => {
  const deliver = program.command('deliver').description('send alerts and events to the destinations of deliver.yaml')
  addSending(deliver, cli)
  addDeadLetters(deliver, cli)
}

function addSending(deliver: Command, cli: CliContext): void {
  deliver
    .command('status')
    .description('show what waits, how far each destination has come, and what failed')
    .action(() => status(cli))
  deliver
    .command('drain')
    .description('send what there is now, and end when nothing is left')
    .argument('[name...]', 'destinations; all where absent')
    .option('--timeout <time>', 'end after this long, even if something is left', '10m')
    .action((names: string[], flags: { timeout: string }) => drain(cli, names, flags))
  deliver
    .command('test')
    .description('send a test message, or the newest event, to one destination, now')
    .argument('<name>', 'destination')
    .action((name: string) => test(cli, name))
}

function addDeadLetters(deliver: Command, cli: CliContext): void {
  deliver
    .command('dead')
    .description('list what was refused for good, with the reason')
    .argument('[name]', 'destination; all where absent')
    .option('--limit <n>', 'letters at most', '50')
    .action((name: string | undefined, flags: { limit: string }) => dead(cli, name, flags))
  deliver
    .command('replay')
    .description('put what was refused back into the queue, and send it')
    .argument('<name>', 'destination')
    .action((name: string) => replay(cli, name))
  deliver
    .command('discard')
    .description('throw away what was refused, for good')
    .argument('<name>', 'destination')
    .option('--yes', 'do not only count')
    .action((name: string, flags: { yes?: boolean }) => discard(cli, name, flags))
}

async function settings(cli: CliContext): Promise<DeliverSettings> {
  const { existsSync } = await import('node:fs')
  const { root } = cli.home()
  if (!existsSync(root)) throw new AppError('NO_LAKE', `There is no home ${root}.`)
  const { join } = await import('node:path')
  const { DELIVER_FILE } = await import('../../deliver/open.ts')
  const { readDeliverSettings } = await import('../../deliver/settings.ts')
  return readDeliverSettings(join(cli.home().root, DELIVER_FILE))
}

/** The names, checked. */
async function known(read: DeliverSettings, names: readonly string[]): Promise<readonly string[]> {
  const { nearest } = await import('../../core/nearest.ts')
  const all = read.destinations.map(({ name }) => name)
  for (const name of names) {
    if (all.includes(name)) continue
    const [near] = nearest(name, all)
    const hint = all.length === 0 ? 'deliver.yaml of the home names none.' : `Destinations: ${all.join(', ')}.`
    throw new AppError('BAD_ARGUMENT', `There is no destination ${name}.`, {
      hint: near === undefined ? hint : `Did you mean ${near}?`,
    })
  }
  return names.length === 0 ? all : names
}

async function status(cli: CliContext): Promise<void> {
  const read = await settings(cli)
  const { statusOf } = await import('../../deliver/status.ts')
  const rows = await statusOf(cli.home(), read)
  if (cli.json()) return cli.out(`${JSON.stringify({ destinations: rows })}\n`)
  if (rows.length === 0) {
    cli.out('No destinations.\n')
    return cli.note('hint: write them into deliver.yaml of the home; docs/how-to/deliver.md shows how.')
  }
  for (const row of rows) {
    cli.out(`${row.name} (${row.kind})\n`)
    const behind = row.takes === 'messages' ? `${number(row.waiting)} waiting` : `${number(row.waiting)} batches behind`
    cli.out(`  ${number(row.delivered)} delivered, ${behind}, ${number(row.dead)} refused for good\n`)
    if (row.lastDelivered !== undefined) cli.out(`  last delivered ${row.lastDelivered}\n`)
    if (row.lastFailure !== undefined) cli.out(`  last failure   ${row.lastFailure.time}: ${row.lastFailure.reason}\n`)
  }
}

const number = (n: number): string => n.toLocaleString('en-US')

async function drain(cli: CliContext, names: readonly string[], flags: { timeout: string }): Promise<void> {
  const { parseDuration } = await import('../../ask/times.ts')
  const timeoutMs = parseDuration(flags.timeout)
  const read = await settings(cli)
  const only = await known(read, names)
  const { stoppable } = await import('../stoppable.ts')
  await stoppable(cli, async (signal) => {
    const { openDelivery } = await import('../../deliver/open.ts')
    const delivery = await openDelivery(cli.home(), read, {
      only,
      onTrouble: (name, message) => cli.note(`${name}: ${message}`),
    })
    const before = delivered(delivery.outbox.accounts())
    try {
      const isEmpty = await delivery.dispatcher.drain(AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
      report(cli, delivery, delivered(delivery.outbox.accounts()) - before, isEmpty)
    } finally {
      await delivery.close()
    }
  })
}

const delivered = (accounts: readonly Account[]): number =>
  accounts.reduce((sum, account) => sum + account.delivered, 0)

function report(cli: CliContext, delivery: Delivery, sent: number, isEmpty: boolean): void {
  const { messages, events, outbox } = delivery
  const dead = [...outbox.deadCounts().values()].reduce((sum, n) => sum + n, 0)
  if (!isEmpty) cli.exit(EXIT.findings)
  const failing = [...messages, ...events].flatMap(({ name, circuit }) =>
    circuit.reason === undefined ? [] : [{ name, reason: circuit.reason }],
  )
  if (cli.json()) {
    cli.out(`${JSON.stringify({ delivered: sent, isEmpty, dead, failing })}\n`)
    return
  }
  cli.out(
    `${number(sent)} delivered; ${isEmpty ? 'nothing is left' : 'something is left, and nothing of it is lost'}.\n`,
  )
  for (const { name, reason } of failing) cli.out(`${name}: ${reason}\n`)
  if (dead > 0) cli.note(`hint: ${number(dead)} were refused for good; \`bricktrail deliver dead\` shows why.`)
}

async function test(cli: CliContext, name: string): Promise<void> {
  const read = await settings(cli)
  await known(read, [name])
  const { sendTest } = await import('../../deliver/trial.ts')
  const destination = read.destinations.find((each) => each.name === name)
  if (destination === undefined) return
  const outcome = await sendTest(cli.home(), destination, cli.now())
  if (outcome.kind !== 'delivered') cli.exit(EXIT.findings)
  const reason =
    'reason' in outcome ? outcome.reason : outcome.kind === 'partly' ? outcome.refused[0]?.reason : undefined
  if (cli.json())
    return cli.out(
      `${JSON.stringify({ destination: name, outcome: outcome.kind, ...(reason === undefined ? {} : { reason }) })}\n`,
    )
  cli.out(
    outcome.kind === 'delivered'
      ? `${name} took the test.\n`
      : `${name} did not take the test (${outcome.kind}): ${reason}\n`,
  )
}

/** Opens the outbox for looking at letters. */
async function withOutbox<T>(
  cli: CliContext,
  name: string | undefined,
  work: (letters: (after: number) => DeadLetter[], outbox: Delivery['outbox']) => T,
): Promise<T> {
  if (name !== undefined) await known(await settings(cli), [name])
  const { Outbox } = await import('../../deliver/outbox.ts')
  const outbox = Outbox.open(cli.home().outbox)
  try {
    return work(
      (after) => outbox.dead({ ...(name === undefined ? {} : { destination: name }), after, most: 1000 }),
      outbox,
    )
  } finally {
    outbox.close()
  }
}

async function dead(cli: CliContext, name: string | undefined, flags: { limit: string }): Promise<void> {
  const { wholeNumber } = await import('../numbers.ts')
  const { printable } = await import('../../core/printable.ts')
  const limit = wholeNumber('--limit', flags.limit)
  const letters = await withOutbox(cli, name, (page) => page(0).slice(0, limit))
  if (cli.json()) return cli.out(`${JSON.stringify({ letters })}\n`)
  if (letters.length === 0) return cli.out('Nothing was refused for good.\n')
  for (const { destination, id, reason, deadMs, body } of letters) {
    cli.out(`${new Date(deadMs).toISOString()}  ${destination}  ${id}  ${printable(reason)}\n`)
    cli.out(`  ${printable(body.slice(0, 160))}\n`)
  }
}

async function replay(cli: CliContext, name: string): Promise<void> {
  const read = await settings(cli)
  await known(read, [name])
  const { replayLetters } = await import('../../deliver/trial.ts')
  const destination = read.destinations.find((each) => each.name === name)
  if (destination === undefined) return
  const { revived, delivered: sent, refused } = await replayLetters(cli.home(), destination, cli.now())
  if (refused !== undefined) cli.exit(EXIT.findings)
  if (cli.json())
    return cli.out(
      `${JSON.stringify({ destination: name, revived, delivered: sent, ...(refused === undefined ? {} : { refused }) })}\n`,
    )
  if (revived + sent === 0 && refused === undefined) return cli.out('Nothing was refused for good.\n')
  if (revived > 0)
    cli.out(`${number(revived)} are in the queue again; \`bricktrail deliver drain ${name}\` sends them.\n`)
  if (sent > 0) cli.out(`${number(sent)} delivered.\n`)
  if (refused !== undefined) cli.out(`The rest is refused still: ${refused}\n`)
}

async function discard(cli: CliContext, name: string, flags: { yes?: boolean }): Promise<void> {
  const count = await withOutbox(cli, name, (page, outbox) => {
    let [after, n] = [0, 0]
    for (let letters = page(after); letters.length > 0; letters = page(after)) {
      for (const { seq } of letters) {
        after = seq
        n += 1
        if (flags.yes === true) outbox.discard(seq)
      }
    }
    return n
  })
  if (cli.json())
    return cli.out(`${JSON.stringify({ destination: name, letters: count, discarded: flags.yes === true })}\n`)
  cli.out(flags.yes === true ? `${number(count)} discarded.\n` : `${number(count)} would be discarded; add --yes.\n`)
}
