/** `bricktrail seal`: the state of the transparency log, its checkpoint to keep elsewhere, its keys, and restores. */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { EXIT } from '../../core/errors.ts'
import type { SealShown } from '../../remote/seal.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { refuseOutInHome } from '../out-path.ts'

/** Adds `seal` and what it has below it. */
export const registerSeal: RegisterCommand = (program, cli) => {
  const seal = program
    .command('seal')
    .description('the transparency log over everything ingested: state, checkpoint, keys')
    .action(() => showStatus(cli))
  seal
    .command('status')
    .description('how far the log goes, what is not sealed, and the anchors')
    .action(() => showStatus(cli))
  seal
    .command('checkpoint')
    .description('print the newest signed checkpoint, for an auditor to keep')
    .action(() => printCheckpoint(cli))
  seal
    .command('anchor')
    .description('take the newest checkpoint to the configured witnesses, timestamp authorities and copies now')
    .action(() => anchorNow(cli))
  seal
    .command('restore')
    .description('say that the lake was put back to an earlier state on purpose')
    .requiredOption('--reason <text>', 'why, for whoever verifies')
    .action(({ reason }: { reason: string }) => restore(cli, reason))
  seal
    .command('raw')
    .description('give back what was received, from the raw archive')
    .argument('<sha256>', 'digest of what was received; `query "SELECT object_key, sha256 FROM objects"` lists them')
    .option('--out <file>', 'file to write; standard output where absent')
    .action((sha256: string, { out }: { out?: string }) => giveBack(cli, sha256, out))
  registerKey(seal, cli)
}

function registerKey(seal: Command, cli: CliContext): void {
  const key = seal.command('key').description('the key that signs the log')
  key
    .command('show')
    .description('print the public keys, newest first; give them to whoever verifies')
    .action(() => showKeys(cli))
  key
    .command('rotate')
    .description('let a new key take over; both sign the checkpoint that says so')
    .option('--to <reference>', 'the new key, file:PATH or env:NAME; without it the home makes one')
    .action(({ to }: { to?: string }) => rotate(cli, to))
}

async function showStatus(cli: CliContext): Promise<void> {
  const { jsonText, printable } = await import('../../core/printable.ts')
  const state = await stateOf(cli)
  const isFailing = state.anchors.some(({ lastError }) => lastError !== undefined)
  if (isFailing || state.unsealed > 0 || state.behind.length > 0) cli.exit(EXIT.findings)
  if (cli.json()) return cli.out(`${jsonText(state)}\n`)
  const rows: [string, string][] = [
    ['log', state.origin],
    ['key', state.key],
    ['leaves', state.size],
    ['root', state.root],
    ...Object.entries(state.sealed ?? {}).map(([table, version]): [string, string] => [
      table,
      `sealed up to version ${version}`,
    ]),
    [
      'unsealed',
      state.unsealed === 0 ? 'nothing' : `${state.unsealed} commits; the next \`bricktrail ingest\` seals them`,
    ],
    ...state.behind.map((what): [string, string] => ['BEHIND', what]),
    ['raw', state.raw],
  ]
  cli.out(rows.map(([name, value]) => `${name.padEnd(12)}${printable(value)}\n`).join(''))
  for (const { id, lastTime, lastSize, lastError } of state.anchors) {
    const good = lastSize === undefined ? 'never' : `checkpoint ${lastSize} at ${lastTime}`
    const bad = lastError === undefined ? '' : `; FAILS: ${lastError}`
    cli.out(`${'anchor'.padEnd(12)}${printable(`${id}: ${good}${bad}`)}\n`)
  }
  if (state.anchors.length === 0) {
    cli.note('hint: nothing outside knows this log. Keep `bricktrail seal checkpoint` elsewhere, or set up a witness.')
  }
}

async function stateOf(cli: CliContext): Promise<SealShown> {
  const wish = cli.server()
  if (wish === undefined) return (await import('../../ask/seal-state.ts')).sealState(cli.home())
  const { withServer } = await import('../server.ts')
  return withServer(wish, (await import('../../remote/seal.ts')).serverSeal)
}

async function noteOf(cli: CliContext): Promise<string> {
  const wish = cli.server()
  if (wish === undefined) return (await import('../../ask/seal-state.ts')).newestNote(cli.home())
  const { withServer } = await import('../server.ts')
  const { printableLines } = await import('../../core/printable.ts')
  const note = await withServer(wish, (await import('../../remote/seal.ts')).serverCheckpoint)
  return cli.tty ? printableLines(note) : note
}

async function printCheckpoint(cli: CliContext): Promise<void> {
  const note = await noteOf(cli)
  cli.out(cli.json() ? `${JSON.stringify({ checkpoint: note })}\n` : note)
}

async function showKeys(cli: CliContext): Promise<void> {
  const { publicKeys } = await import('../../seal/keys.ts')
  const { all } = await publicKeys(cli.home().seal)
  const keys = all.map(({ vkey }) => vkey)
  cli.out(cli.json() ? `${JSON.stringify({ keys })}\n` : keys.map((vkey) => `${vkey}\n`).join(''))
}

async function rotate(cli: CliContext, to: string | undefined): Promise<void> {
  const { withSealing } = await import('../sealing.ts')
  const vkey = await withSealing(cli, async (sealing) => {
    await sealing.sealer.rotate(to)
    return sealing.sealer.vkey
  })
  if (cli.json()) return cli.out(`${JSON.stringify({ key: vkey })}\n`)
  cli.out(`${vkey}\n`)
  cli.note(
    'This key signs from now on. Give it to whoever verifies, and update `signingKey` in seal/settings.json if it is set.',
  )
}

async function anchorNow(cli: CliContext): Promise<void> {
  const { withSealing } = await import('../sealing.ts')
  const { printable } = await import('../../core/printable.ts')
  const anchors = (await withSealing(cli, (sealing) => sealing.anchor(), { anchors: false })) ?? []
  if (anchors.some(({ outcome }) => outcome === 'failed' || outcome === 'alarm')) cli.exit(EXIT.findings)
  if (cli.json()) return cli.out(`${JSON.stringify({ anchors })}\n`)
  for (const { id, outcome, detail = '' } of anchors)
    cli.out(`${outcome.padEnd(12)}${printable(id)}  ${printable(detail)}\n`)
  if (anchors.length === 0) cli.note('hint: seal/settings.json of the home names no witnesses, timestamps or copies.')
}

async function restore(cli: CliContext, reason: string): Promise<void> {
  const { withRestore } = await import('../sealing.ts')
  const restored = await withRestore(cli, reason)
  if (cli.json()) return cli.out(`${JSON.stringify({ restored })}\n`)
  for (const { table, undone } of restored)
    cli.out(`${table}: ${undone} sealed commits are no longer in the lake; the log says so now.\n`)
  if (restored.length === 0) cli.out('The lake is what its seal says; nothing was written.\n')
}

async function giveBack(cli: CliContext, sha256: string, out: string | undefined): Promise<void> {
  const { rawOf } = await import('../../seal/raw/archive.ts')
  const { readRawKey } = await import('../../seal/raw/key.ts')
  const { sealSettings, settingsPath } = await import('../../seal/settings.ts')
  const home = cli.home()
  if (out !== undefined) await refuseOutInHome(cli, out)
  const { rawKey } = await sealSettings(home)
  const key = rawKey === null ? undefined : await readRawKey(rawKey, `rawKey in ${settingsPath(home)}`)
  const bytes = rawOf(home, sha256, key)
  if (out === undefined) return pipeline(bytes, cli.stdout, { end: false })
  // Under another name until the digest at the end has held.
  const unfinished = `${out}.unfinished`
  try {
    await pipeline(bytes, createWriteStream(unfinished, { mode: 0o600 }))
    await rename(unfinished, out)
  } finally {
    await rm(unfinished, { force: true })
  }
}
