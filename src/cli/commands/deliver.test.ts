import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { writeBatch } from '../../deliver/lake.fixture.ts'
import { aMessage } from '../../deliver/message.fixture.ts'
import { Outbox } from '../../deliver/outbox.ts'
import { type Receiver, receiver } from '../../deliver/receiver.fixture.ts'
import { runCommand } from '../recorded-cli.fixture.ts'
import { registerDeliver } from './deliver.ts'

const PLANTED = `whsec_${Buffer.from('planted secret, 24 bytes at least').toString('base64')}`

let root: string
let there: Receiver
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bricktrail-deliver-'))
  there = await receiver(({ body }) => ({ status: body.includes('refuse me') ? 400 : 200 }))
  vi.stubEnv('SOC', PLANTED)
  await settings(`
destinations:
  soc: { kind: webhook, url: "${there.url}/hook", secrets: [env:SOC], allow_private: true }
  copy: { kind: event-file, path: out/events.ndjson, format: system-table, from: beginning }
`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await there.close()
  await rm(root, { recursive: true, force: true })
})

const settings = (text: string) => writeFile(join(root, 'deliver.yaml'), text)
const deliver = (...argv: string[]) => runCommand(registerDeliver, ['deliver', ...argv], { home: root })
const json = async (...argv: string[]) => JSON.parse((await deliver(...argv, '--json')).out)

function put(...notes: readonly string[]): void {
  const outbox = Outbox.open(homeAt(root).outbox)
  outbox.put(notes.map((note, n) => aMessage('soc', n, `alert ${n}`, { note })))
  outbox.close()
}

/** Overwrites all of a file but its beginning. */
async function damage(path: string, from: number): Promise<void> {
  for (const more of ['-wal', '-shm']) await rm(`${path}${more}`, { force: true })
  const bytes = await readFile(path)
  await writeFile(path, bytes.fill(0xa5, from))
}

describe('bricktrail deliver', () => {
  it.each([
    ['from its beginning', 0],
    ['behind its beginning', 4096],
  ])('says what to move away, and what is lost, where the outbox is damaged %s', async (_, from) => {
    put(...Array.from({ length: 200 }, (__, n) => `note ${n} `.repeat(20)))
    await damage(homeAt(root).outbox, from)
    for (const words of [['status'], ['drain'], ['dead']])
      await expect(deliver(...words), words.join()).rejects.toMatchObject({
        code: 'BAD_HOME',
        message: expect.stringContaining('deliver.db is damaged'),
        hint: expect.stringContaining('Lost with it are messages that waited'),
      })
  })

  it('drains what waits, and what the lake holds, once', async () => {
    await writeBatch(homeAt(root), 1, { from: 0, to: 30 })
    put('one', 'two')
    expect(await json('drain')).toEqual({ delivered: 32, isEmpty: true, dead: 0, failing: [] })
    expect((await readFile(join(root, 'out', 'events.ndjson'), 'utf8')).trim().split('\n')).toHaveLength(30)
    expect(there.posted).toHaveLength(2)
    await writeBatch(homeAt(root), 2, { from: 30, to: 35 })
    expect(await json('drain', 'copy')).toMatchObject({ delivered: 5 })
    const { destinations } = await json('status')
    expect(destinations).toMatchObject([
      { name: 'soc', kind: 'webhook', delivered: 2, waiting: 0, dead: 0 },
      { name: 'copy', kind: 'event-file', delivered: 35, waiting: 0, dead: 0 },
    ])
  })

  it('keeps what was refused, shows why, and sends it again when asked to', async () => {
    put('fine', 'refuse me')
    expect(await json('drain', 'soc')).toMatchObject({ delivered: 1, isEmpty: true, dead: 1 })
    const shown = await deliver('dead', 'soc')
    expect(shown.out).toMatch(/soc {2}m-1 {2}HTTP 400/)
    await there.close()
    there = await receiver()
    await settings(
      `destinations: { soc: { kind: webhook, url: "${there.url}", secrets: [env:SOC], allow_private: true } }`,
    )
    expect(await json('replay', 'soc')).toEqual({ destination: 'soc', revived: 1, delivered: 0 })
    expect(await json('drain')).toMatchObject({ delivered: 1, dead: 0 })
    expect(there.posted.map(({ headers }) => headers['webhook-id'])).toEqual(['m-1'])
  })

  it('discards only when told to', async () => {
    put('refuse me')
    await deliver('drain', 'soc')
    expect((await deliver('discard', 'soc')).out).toBe('1 would be discarded; add --yes.\n')
    expect((await deliver('discard', 'soc', '--yes')).out).toBe('1 discarded.\n')
    expect((await deliver('dead')).out).toBe('Nothing was refused for good.\n')
  })

  it('sends a test, and ends with 1 where it does not arrive', async () => {
    expect((await deliver('test', 'soc')).out).toBe('soc took the test.\n')
    expect(JSON.parse(there.posted[0]?.body ?? '{}').data).toMatchObject({ action: 'test', alertId: 'test' })
    await there.close()
    const failed = await deliver('test', 'soc')
    expect(failed).toMatchObject({
      exitCode: 1,
      out: expect.stringMatching(/did not take the test \(again\): no connection/),
    })
    there = await receiver()
  })

  it('ends in time with 1 where something is left, and says so', async () => {
    await there.close()
    put('one')
    const { out, exitCode } = await deliver('drain', 'soc', '--timeout', '1s')
    expect(exitCode).toBe(1)
    expect(out).toMatch(/0 delivered; something is left, and nothing of it is lost.\nsoc: no connection/)
    there = await receiver()
  })

  it('fails at once where the settings are wrong, naming file, place and key, and never a secret', async () => {
    const faultOf = async (text: string, ...argv: string[]) => {
      await settings(text)
      const cause = await deliver(...argv).then(
        () => undefined,
        (error: unknown) => error as { message: string; hint: string },
      )
      expect(JSON.stringify(cause)).not.toContain('planted')
      return `${cause?.message} ${cause?.hint}`
    }
    expect(
      await faultOf('destinations: { soc: { kind: webhook, url: "https://x.io", secrets: [env:NOT_THERE] } }', 'drain'),
    ).toMatch(/deliver.yaml:1:17: destination soc: There is no secret in env:NOT_THERE. Set the variable NOT_THERE/)
    expect(
      await faultOf(`destinations: { soc: { kind: webhook, url: "https://x.io", secrets: ["${PLANTED}"] } }`, 'drain'),
    ).toMatch(/entry 1 of secrets is no reference to a secret/)
    expect(
      await faultOf(
        'destinations: { soc: { kind: webhook, url: "https://x.io", secrets: [env:SOC] } }',
        'drain',
        'sok',
      ),
    ).toBe('There is no destination sok. Did you mean soc?')
  })

  it('is done by one process at a time', async () => {
    const { openDelivery } = await import('../../deliver/open.ts')
    const first = await openDelivery(homeAt(root), { destinations: [], mostWaiting: 1 })
    await expect(deliver('drain')).rejects.toMatchObject({ code: 'LOCKED' })
    await first.close()
    expect((await deliver('drain')).exitCode).toBe(0)
  })
})
