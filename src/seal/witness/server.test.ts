import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type Server } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KEY_TYPES, openNote } from '../note.ts'
import { WitnessMemory } from './memory.ts'
import { formatAddCheckpoint } from './request.ts'
import { listen, stopServer, witnessServer } from './server.ts'
import { keyOf, SignedLog } from './signed-log.fixture.ts'
import { Witness } from './witness.ts'

/** Kills at random; SEAL_KILLS asks for more. */
const KILLS = Number(process.env.SEAL_KILLS ?? 5)

const LOG_KEY = keyOf('example.com/log', 1)
const WITNESS_KEY = keyOf('witness.example/w1', 3, KEY_TYPES.cosignature)
const log = new SignedLog(LOG_KEY, 400)

let folder: string
let memory: WitnessMemory
let server: Server
let url: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'witness-'))
  memory = WitnessMemory.open(join(folder, 'witness.db'))
  const witness = new Witness({ signer: WITNESS_KEY, logs: [LOG_KEY], memory, now: () => new Date() })
  server = witnessServer(witness, { requestMs: 300 })
  url = await listen(server, '127.0.0.1', 0)
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  memory.close()
  await rm(folder, { recursive: true })
})

const post = (to: string, body: Uint8Array | string) =>
  fetch(`${to}/add-checkpoint`, { method: 'POST', body: typeof body === 'string' ? body : new Uint8Array(body) })

describe('the witness over HTTP', () => {
  it('answers a checkpoint with its signature, and a wrong size with the right one as text/x.tlog.size', async () => {
    const signed = await post(url, await log.request(0, 5))
    expect(signed.status).toBe(200)
    expect(openNote(`${log.note(5)}${await signed.text()}`, [WITNESS_KEY]).verified).toHaveLength(1)
    const conflict = await post(url, await log.request(0, 9))
    expect([conflict.status, conflict.headers.get('content-type'), await conflict.text()]).toEqual([
      409,
      'text/x.tlog.size',
      '5\n',
    ])
  })

  it('signs each of many requests at once in some order, and never two that contradict each other', async () => {
    await post(url, await log.request(0, 1))
    const others = [2, 3, 4, 5].map((at) => new SignedLog(LOG_KEY, 40, { from: at, word: ` fork ${at}` }))
    const requests = await Promise.all([
      ...[10, 20, 30, 40].map((size) => log.request(1, size)),
      ...others.flatMap((other) => [10, 20, 30, 40].map((size) => other.request(1, size))),
    ])
    const answers = await Promise.all(requests.map((body) => post(url, body).then(({ status }) => status)))
    expect(answers.filter((status) => status === 200)).toHaveLength(1)
    expect(answers.filter((status) => status === 409)).toHaveLength(requests.length - 1)
  })

  it('says what it is, how far it signed which log, and what else there is', async () => {
    await post(url, await log.request(0, 5))
    const about = await (await fetch(url)).text()
    expect(about).toContain(WITNESS_KEY.vkey)
    expect(about).toContain('5\texample.com/log\n')
    expect((await fetch(`${url}/favicon.ico`)).status).toBe(404)
    const get = await fetch(`${url}/add-checkpoint`)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405)
  })

  it('answers 400 to junk and 413 to more than it reads, announced or not', async () => {
    expect((await post(url, 'junk')).status).toBe(400)
    expect((await post(url, Buffer.alloc(65_000, 0xff))).status).toBe(400)
    expect((await post(url, Buffer.alloc(70_000))).status).toBe(413)
    const unannounced = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${url}/add-checkpoint`, { method: 'POST' }, ({ statusCode }) => resolve(statusCode))
      request.on('error', reject)
      for (let n = 0; n < 8; n++) request.write(Buffer.alloc(10_000))
    })
    expect(unannounced).toBe(413)
    expect((await post(url, await log.request(0, 5))).status).toBe(200)
  })

  it('waits for no client that is slow, and serves others meanwhile', async () => {
    const { port } = new URL(url)
    const socket = connect(Number(port), '127.0.0.1')
    const closed = new Promise<string>((resolve) => {
      let said = ''
      socket.on('data', (bytes) => {
        said += bytes
      })
      socket.on('close', () => resolve(said))
      socket.on('error', () => {})
    })
    socket.write('POST /add-checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nold 0\n')
    const drip = setInterval(() => socket.write('a'), 50)
    expect((await post(url, await log.request(0, 5))).status).toBe(200)
    expect(await closed).toMatch(/^(HTTP\/1\.1 408 |$)/)
    clearInterval(drip)
  })

  it('survives a client that leaves in the middle', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
    socket.write('POST /add-checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nold')
    socket.destroy()
    expect((await post(url, await log.request(0, 5))).status).toBe(200)
  })

  it('answers what is under way before it stops', async () => {
    const answer = post(url, await log.request(0, 5))
    await new Promise<void>((resolve) => server.once('request', () => resolve()))
    await stopServer(server)
    expect((await answer).status).toBe(200)
    await expect(post(url, 'x')).rejects.toThrow()
  })

  it('names an address that is taken', async () => {
    const { port } = new URL(url)
    const second = witnessServer(new Witness({ signer: WITNESS_KEY, logs: [], memory, now: () => new Date() }))
    await expect(listen(second, '127.0.0.1', Number(port))).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

describe('a witness that is killed', () => {
  const children = new Set<ChildProcess>()
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    children.clear()
  })

  async function start(...more: readonly string[]): Promise<{ url: string; child: ChildProcess }> {
    const script = join(import.meta.dirname, 'server.fixture.ts')
    const child = spawn(process.execPath, [script, join(folder, 'killed'), LOG_KEY.vkey, ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.add(child)
    for await (const line of createInterface({ input: child.stdout })) return { url: line, child }
    throw new Error('The witness ended before it listened.')
  }

  const ended = (child: ChildProcess) =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve()
      else child.once('exit', () => resolve())
    })

  it('between remembering and answering, still knows what it would have signed', async () => {
    const { url: dying, child } = await start('die')
    await expect(post(dying, await log.request(0, 10))).rejects.toThrow()
    await ended(child)
    const { url: again } = await start()
    const conflict = await post(again, await log.request(0, 10))
    expect([conflict.status, await conflict.text()]).toEqual([409, '10\n'])
    expect((await post(again, await log.request(10, 10))).status).toBe(200)
    const forked = new SignedLog(LOG_KEY, 20, { from: 3, word: ' fork' })
    const refused = formatAddCheckpoint({ oldSize: 10n, proof: [], note: forked.note(10) })
    expect((await post(again, refused)).status).toBe(409)
  })

  it(
    `${KILLS} times at random, never forgets a signature that somebody has`,
    async () => {
      const long = new SignedLog(LOG_KEY, 3000)
      let signed = 0
      for (let kill = 0; kill < KILLS; kill++) {
        const { url: running, child } = await start()
        // An old size that cannot be right asks for the right one.
        let size = Number(await (await post(running, await long.request(2999, 3000))).text())
        expect(size).toBeGreaterThanOrEqual(signed)
        setTimeout(() => child.kill('SIGKILL'), 5 + Math.random() * 60)
        for (; size < 2900; size += 1) {
          const request = await long.request(size, size + 1)
          const answer = await post(running, request).catch(() => undefined)
          if (answer === undefined) break
          expect(answer.status).toBe(200)
          signed = size + 1
        }
        await ended(child)
      }
      expect(signed).toBeGreaterThan(0)
    },
    30_000 + KILLS * 6000,
  )
})
