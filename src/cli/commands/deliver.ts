/** `bricktrail deliver`: sends what waits, and shows how each destination is doing. */
import type { Command } from 'commander'
import { AppError, EXIT } from '../../core/errors.ts'
import type { Delivery } from '../../deliver/open.ts'
import type { Account } from '../../deliver/outbox-file.ts'
import type { DeliveryBook } from '../../remote/contract.ts'
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

async function withDelivery<T>(cli: CliContext, work: (book: DeliveryBook) => Promise<T>): Promise<T> {
  const wish = cli.server()
  if (wish === undefined) return work(new (await import('../home/delivery.ts')).HomeDelivery(cli))
  const { ServerDelivery } = await import('../../remote/delivery.ts')
  const { withServer } = await import('../server.ts')
  return withServer(wish, (api) => work(new ServerDelivery(api)))
}

/** The names, checked; all there are where none is given. */
async function known(all: readonly string[], names: readonly string[]): Promise<readonly string[]> {
  const { nearest } = await import('../../core/nearest.ts')
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
  const { jsonText, printable } = await import('../../core/printable.ts')
  const rows = await withDelivery(cli, (book) => book.status())
  if (cli.json()) return cli.out(`${jsonText({ destinations: rows })}\n`)
  if (rows.length === 0) {
    cli.out('No destinations.\n')
    return cli.note('hint: write them into deliver.yaml of the home; docs/how-to/deliver.md shows how.')
  }
  for (const row of rows) {
    cli.out(`${printable(`${row.name} (${row.kind})`)}\n`)
    const behind = row.takes === 'messages' ? `${number(row.waiting)} waiting` : `${number(row.waiting)} batches behind`
    cli.out(
      printable(`  ${number(row.delivered)} delivered, ${behind}, ${number(row.dead)} refused for good`).concat('\n'),
    )
    if (row.lastDelivered !== undefined) cli.out(`  last delivered ${printable(row.lastDelivered)}\n`)
    if (row.lastFailure !== undefined)
      cli.out(`  last failure   ${printable(`${row.lastFailure.time}: ${row.lastFailure.reason}`)}\n`)
  }
}

const number = (n: number): string => n.toLocaleString('en-US')

async function drain(cli: CliContext, names: readonly string[], flags: { timeout: string }): Promise<void> {
  const { parseDuration } = await import('../../ask/times.ts')
  const timeoutMs = parseDuration(flags.timeout)
  const { deliverSettings } = await import('../home/delivery.ts')
  const read = await deliverSettings(cli)
  const only = await known(
    read.destinations.map(({ name }) => name),
    names,
  )
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
  const { jsonText, printable } = await import('../../core/printable.ts')
  const { outcome, reason } = await withDelivery(cli, async (book) => {
    await known(await book.names(), [name])
    return book.test(name)
  })
  if (outcome !== 'delivered') cli.exit(EXIT.findings)
  if (cli.json())
    return cli.out(`${jsonText({ destination: name, outcome, ...(reason === undefined ? {} : { reason }) })}\n`)
  cli.out(
    outcome === 'delivered'
      ? `${name} took the test.\n`
      : `${printable(`${name} did not take the test (${outcome}): ${reason}`)}\n`,
  )
}

async function dead(cli: CliContext, name: string | undefined, flags: { limit: string }): Promise<void> {
  const { wholeNumber } = await import('../numbers.ts')
  const { jsonText, printable } = await import('../../core/printable.ts')
  const limit = wholeNumber('--limit', flags.limit)
  const letters = await withDelivery(cli, async (book) => {
    if (name !== undefined) await known(await book.names(), [name])
    return book.dead(name, limit)
  })
  if (cli.json()) return cli.out(`${jsonText({ letters })}\n`)
  if (letters.length === 0) return cli.out('Nothing was refused for good.\n')
  for (const { destination, id, reason, deadMs, body } of letters) {
    cli.out(`${new Date(deadMs).toISOString()}  ${printable(`${destination}  ${id}  ${reason}`)}\n`)
    cli.out(`  ${printable(body.slice(0, 160))}\n`)
  }
}

async function replay(cli: CliContext, name: string): Promise<void> {
  const { jsonText, printable } = await import('../../core/printable.ts')
  const report = await withDelivery(cli, async (book) => {
    await known(await book.names(), [name])
    return book.replay(name)
  })
  const { revived, delivered: sent, refused } = report
  if (refused !== undefined) cli.exit(EXIT.findings)
  if (cli.json())
    return cli.out(
      `${jsonText({ destination: name, revived, delivered: sent, ...(refused === undefined ? {} : { refused }) })}\n`,
    )
  if (revived + sent === 0 && refused === undefined) return cli.out('Nothing was refused for good.\n')
  // A service sends by itself what is in its queue.
  const next = cli.server() === undefined ? `; \`bricktrail deliver drain ${name}\` sends them` : ''
  if (revived > 0) cli.out(`${number(revived)} are in the queue again${next}.\n`)
  if (sent > 0) cli.out(`${number(sent)} delivered.\n`)
  if (refused !== undefined) cli.out(`The rest is refused still: ${printable(refused)}\n`)
}

async function discard(cli: CliContext, name: string, flags: { yes?: boolean }): Promise<void> {
  const count = await withDelivery(cli, async (book) => {
    await known(await book.names(), [name])
    return book.discard(name, flags.yes === true)
  })
  if (cli.json())
    return cli.out(`${JSON.stringify({ destination: name, letters: count, discarded: flags.yes === true })}\n`)
  cli.out(flags.yes === true ? `${number(count)} discarded.\n` : `${number(count)} would be discarded; add --yes.\n`)
}
