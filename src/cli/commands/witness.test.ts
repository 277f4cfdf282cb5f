import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openNote, parseVkey } from '../../seal/note.ts'
import { requestCosignature } from '../../seal/witness/client.ts'
import { keyOf, SignedLog } from '../../seal/witness/signed-log.fixture.ts'
import { runCommand } from '../recorded-cli.fixture.ts'
import { registerWitness } from './witness.ts'

const LOG_KEY = keyOf('example.com/log', 1)
const log = new SignedLog(LOG_KEY, 30)
const forked = new SignedLog(LOG_KEY, 30, { from: 7, word: ' fork' })

let folder: string
let children: ChildProcess[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'witness-'))
  children = []
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

const data = () => join(folder, 'data')

/** Runs the real command as a process; what it announced, and how it ends. */
async function start(...more: readonly string[]) {
  const main = join(import.meta.dirname, '../main.ts')
  const args = ['witness', '--data', data(), '--port', '0', '--json', ...more]
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let notes = ''
  child.stderr.on('data', (bytes) => {
    notes += bytes
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  for await (const line of createInterface({ input: child.stdout })) {
    const { vkey, url, logs } = JSON.parse(line) as { vkey: string; url: string; logs: unknown }
    return { vkey, url, logs, child, ended, notes: () => notes }
  }
  throw new Error(`The witness did not start: ${notes}`)
}

const ask = (url: string, vkey: string, of: SignedLog, size: number) =>
  requestCosignature({
    url,
    witness: parseVkey(vkey),
    note: of.note(size),
    readHash: of.readHash,
    knownSize: 0n,
    now: () => new Date(),
    signal: AbortSignal.timeout(20_000),
  })

const failing = (...argv: readonly string[]) => runCommand(registerWitness, ['witness', ...argv], { home: folder })

describe('bricktrail witness', () => {
  it('signs, ends well when asked to, and knows its key and where it was when it comes back', async () => {
    const first = await start('--log', LOG_KEY.vkey, '--name', 'auditor.example/laptop')
    expect(first.logs).toEqual([{ origin: 'example.com/log', size: null }])
    expect(parseVkey(first.vkey).name).toBe('auditor.example/laptop')
    expect(await ask(first.url, first.vkey, log, 20)).toMatchObject({ kind: 'cosigned' })
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    const second = await start('--log', LOG_KEY.vkey)
    expect(second).toMatchObject({ vkey: first.vkey, logs: [{ origin: 'example.com/log', size: '20' }] })
    expect(await ask(second.url, second.vkey, log, 10)).toMatchObject({ kind: 'alarm' })
    second.child.kill('SIGINT')
    expect(await second.ended).toBe(0)
  }, 30_000)

  it('leaves the newest checkpoint, and proof against a log that forked, as files', async () => {
    await writeFile(join(folder, 'policy'), `# ours\nlog ${LOG_KEY.vkey}\nquorum none\n`)
    const witness = await start('--policy', join(folder, 'policy'))
    await ask(witness.url, witness.vkey, log, 20)
    expect(await ask(witness.url, witness.vkey, forked, 20)).toMatchObject({ kind: 'alarm' })
    witness.child.kill('SIGTERM')
    await witness.ended
    const checkpoint = await readFile(join(data(), 'checkpoints', 'example.com%2Flog.txt'))
    expect(openNote(checkpoint, [LOG_KEY, parseVkey(witness.vkey)]).verified).toHaveLength(2)
    const [name = ''] = await readdir(join(data(), 'contradictions'))
    const proof = await readFile(join(data(), 'contradictions', name), 'utf8')
    expect(proof).toBe(`${log.note(20)}\n${forked.note(20)}`)
    await rm(join(data(), 'contradictions'), { recursive: true })
    const again = await start('--log', LOG_KEY.vkey)
    again.child.kill('SIGTERM')
    await again.ended
    expect(again.notes()).toMatch(/CONTRADICTION/)
    expect(await readdir(join(data(), 'contradictions'))).toEqual([name])
    expect(witness.notes()).toMatch(/signed 20 of example\.com\/log\n.*CONTRADICTION: .* size 20 of example\.com\/log/s)
  }, 30_000)

  it('says what is wrong with its options', async () => {
    const own = ['--data', data(), '--port', '0']
    await expect(failing(...own)).rejects.toThrow(/at least one log/)
    await expect(failing(...own, '--log', 'x')).rejects.toMatchObject({ code: 'BAD_KEY' })
    await expect(failing(...own, '--policy', join(folder, 'none'))).rejects.toThrow(/policy cannot be read/)
    const known = ['--log', LOG_KEY.vkey]
    await expect(failing('--data', data(), ...known, '--port', '65536')).rejects.toThrow(/at most 65535/)
    await expect(failing('--data', data(), ...known, '--port', 'x')).rejects.toThrow(/whole number/)
    await expect(failing(...own, ...known, '--name', 'two words')).rejects.toMatchObject({ code: 'BAD_KEY' })
    await writeFile(join(folder, 'file'), '')
    await expect(failing('--data', join(folder, 'file'), ...known)).rejects.toMatchObject({ code: 'BAD_HOME' })
  })

  it('says that somebody else listens there', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const port = String((taken.address() as AddressInfo).port)
    await expect(failing('--data', data(), '--log', LOG_KEY.vkey, '--port', port)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining('EADDRINUSE'),
    })
    taken.close()
  })
})
