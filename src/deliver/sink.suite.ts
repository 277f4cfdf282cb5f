/**
 * What every destination must do, whatever it speaks: called by the test of each with a server made for it, which behaves as it is told.
 * A manner that a protocol has no words for is left out by name, with the reason.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Batch, Item, Outcome, Sink } from './contract.ts'
import { fitted, MARK } from './fit.ts'
import { anAlert } from './message.fixture.ts'
import { batchId } from './outbox.ts'
import { sinkKind } from './registry.ts'

/** How the server treats a request. */
export type Manner =
  | 'take'
  /** Takes it, and closes the connection without an answer. */
  | 'take and hang up'
  | 'never answer'
  /** Takes it, and answers after a while. */
  | 'late'
  /** Cannot now; says when, where the protocol can: after {@link BUSY_SECS}. */
  | 'busy'
  /** Fails inside. */
  | 'broken'
  /** Never takes that. */
  | 'refuse'
  | 'refuse credentials'
  /** Takes all but the second item, which it never takes. */
  | 'refuse the second'

/** What a busy server asks for. */
export const BUSY_SECS = 7

/** A server, and the settings that lead to it. */
export interface Rig {
  /** The destination's section of the settings. */
  readonly section: Readonly<Record<string, unknown>>
  /** What references lead to. The server should quote them wherever it refuses. */
  readonly secrets?: Readonly<Record<string, string>>
  /** Of each item that was taken, what its receiver can tell repeats by. */
  keys(): readonly string[]
  /** All that was taken, as text in which JSON and other escapes are undone as far as people read it. */
  text(): string
  /** Connections that are open; absent where there are none. */
  connections?(): Promise<number>
  close(): Promise<void>
}

/** One kind of destination. */
export interface Subject {
  readonly kind: string
  /** Starts a server; `manner` is asked for each request that delivers, from 1. */
  start(manner: (request: number) => Manner, folder: string): Promise<Rig>
  /** An item with a text in it; of messages, an alert, and of events a line of JSON with `text` where absent. */
  item?(n: number, text: string): Item
  /** Manners and abilities that it has not, with the reason. */
  readonly without?: Readonly<Partial<Record<Manner | 'retry after' | 'mark' | 'secrets' | 'plain letters', string>>>
}

/** Written by somebody who wants to break out of a field. */
export const NASTY =
  'Zoë 東京 🙂 "quoted" \\back\\ <b>&amp;</b> *bold* [x](https://evil.example) ]\r\nBcc: eve@evil.example\u0000\u001b[31m\u202e'

/** Control characters, but those that lay out text. */
export const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

/** Of {@link NASTY}, what must arrive as it is. */
const KEPT = 'Zoë 東京 🙂'

const TIMEOUT_MS = 10_000

const anItem =
  (takes: 'messages' | 'events') =>
  (n: number, text: string): Item => ({
    id: `suite-${n}`,
    key: `key-${n}`,
    timeMs: Date.UTC(2026, 10, 12, 9, 6, n),
    text: JSON.stringify(
      takes === 'messages'
        ? anAlert({ alertId: `a-${n}`, dedupKey: `key-${n}`, title: `Granted ${n}`, summary: text })
        : { id: `suite-${n}`, n, text },
    ),
  })

/** Tests of one kind of destination. */
export function describeSink(subject: Subject): void {
  const kind = sinkKind(subject.kind)
  if (kind === undefined) throw new Error(`${subject.kind} is not in the list of kinds.`)
  const item = subject.item ?? anItem(kind.takes)
  const has = (what: Manner | 'retry after' | 'mark' | 'secrets' | 'plain letters') =>
    subject.without?.[what] === undefined

  describe(`${subject.kind}, as every destination,`, () => {
    let [folder, closing] = ['', [] as (() => unknown)[]]
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'bricktrail-sink-'))
    })
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
      await rm(folder, { recursive: true, force: true })
    })

    async function opened(
      manner: Manner | ((request: number) => Manner),
      timeoutMs = TIMEOUT_MS,
    ): Promise<{ sink: Sink; rig: Rig; send: (...items: readonly Item[]) => Promise<Outcome> }> {
      const rig = await subject.start(typeof manner === 'string' ? () => manner : manner, folder)
      closing.push(() => rig.close())
      const secret = (reference: string): string => {
        const value = rig.secrets?.[reference]
        if (value === undefined) throw new Error(`The test has no secret ${reference}.`)
        return value
      }
      const sink = await kind?.open(rig.section, { name: 'there', secret, timeoutMs, folder })
      if (sink === undefined) throw new Error('It did not open.')
      closing.push(() => sink.close?.())
      let attempt = 0
      const send = async (...items: readonly Item[]) => {
        const fitting = items.map((each) => fitted(each, sink.limits))
        const ids = fitting.map(({ id }) => id)
        const batch: Batch = { id: batchId('there', ids), items: fitting, attempt: ++attempt }
        return sink.send(batch, AbortSignal.timeout(3 * TIMEOUT_MS))
      }
      return { sink, rig, send }
    }

    it('delivers an item', async () => {
      const { send, rig } = await opened('take')
      expect(await send(item(1, 'the very words'))).toEqual({ kind: 'delivered' })
      expect([rig.keys().length, rig.text().includes('the very words')]).toEqual([1, true])
    })

    it('delivers as many as it says that it takes, each by its own key', async () => {
      const { send, rig, sink } = await opened('take')
      const items = [1, 2, 3].map((n) => item(n, `words ${n}`)).slice(0, sink.limits.items)
      expect(await send(...items)).toEqual({ kind: 'delivered' })
      expect(new Set(rig.keys()).size).toBe(items.length)
    })

    it('goes on over the same connection, or another', async () => {
      const { send, rig } = await opened('take')
      for (const n of [1, 2, 3]) expect(await send(item(n, `words ${n}`))).toEqual({ kind: 'delivered' })
      expect(new Set(rig.keys()).size).toBe(3)
    })

    it('waits for an answer that is late', async () => {
      const { send } = await opened('late')
      expect(await send(item(1, 'words'))).toEqual({ kind: 'delivered' })
    })

    if (has('never answer')) {
      it('tries again what was not answered in time', async () => {
        const { send } = await opened('never answer', 250)
        const begun = performance.now()
        expect(await send(item(1, 'words'))).toMatchObject({ kind: 'again' })
        expect(performance.now() - begun).toBeLessThan(TIMEOUT_MS)
      })
    }

    if (has('busy')) {
      it('tries again later when it is told to', async () => {
        const { send } = await opened('busy')
        const wait = has('retry after') ? { retryAfterMs: BUSY_SECS * 1000 } : {}
        expect(await send(item(1, 'words'))).toMatchObject({ kind: 'again', ...wait })
      })
    }

    if (has('broken')) {
      it('tries again when the other side fails', async () => {
        const { send } = await opened('broken')
        expect(await send(item(1, 'words'))).toMatchObject({ kind: 'again' })
      })
    }

    if (has('refuse')) {
      it('gives up what is refused for good', async () => {
        const { send } = await opened('refuse')
        expect(['dead', 'partly']).toContain((await send(item(1, 'words'))).kind)
      })
    }

    if (has('refuse credentials')) {
      it('blames the settings, not the item, when it is not let in', async () => {
        const { send } = await opened('refuse credentials')
        expect(await send(item(1, 'words'))).toMatchObject({ kind: 'misconfigured' })
      })
    }

    if (has('refuse the second')) {
      it('tells which of several were refused', async () => {
        const { send } = await opened('refuse the second')
        const outcome = await send(...[1, 2, 3].map((n) => item(n, `words ${n}`)))
        expect(outcome).toMatchObject({ kind: 'partly' })
        const dead = outcome.kind === 'partly' ? outcome.refused.filter(({ verdict }) => verdict === 'dead') : []
        expect(dead.map(({ at }) => at)).toEqual([1])
      })
    }

    if (has('take and hang up')) {
      it('sends what was cut off before the answer again, with the same key', async () => {
        const { send, rig } = await opened((request) => (request === 1 ? 'take and hang up' : 'take'))
        expect(await send(item(1, 'words'))).toMatchObject({ kind: 'again' })
        expect(await send(item(1, 'words'))).toEqual({ kind: 'delivered' })
        expect(new Set(rig.keys()).size).toBe(1)
      })
    }

    it('tries again when nobody is there', async () => {
      const { send, rig } = await opened('take')
      await rig.close()
      expect(await send(item(1, 'words'))).toMatchObject({ kind: 'again' })
    })

    it('delivers what is far too long, shortened and marked', async () => {
      const { send, rig, sink } = await opened('take')
      const huge = item(1, `begin ${'long 東京 '.repeat(Math.ceil((2 * sink.limits.itemBytes) / 12))}`)
      expect(await send(huge)).toEqual({ kind: 'delivered' })
      expect(rig.text()).toContain('begin long')
      if (has('mark')) expect(rig.text()).toMatch(new RegExp(`${MARK}|shortened from`))
    })

    it('delivers letters of all kinds, and nothing that acts on who reads it', async () => {
      const { send, rig } = await opened('take')
      expect(await send(item(1, NASTY))).toEqual({ kind: 'delivered' })
      expect(rig.text()).toContain(KEPT)
      if (kind?.takes === 'messages' && has('plain letters')) expect(rig.text()).not.toMatch(CONTROLS)
    })

    if (has('secrets')) {
      it('says nothing of its secrets, whatever the other side quotes', async () => {
        const manners = (['refuse', 'busy', 'broken', 'refuse credentials', 'never answer'] as const).filter(has)
        for (const manner of manners) {
          const { send, rig } = await opened(manner, 250)
          const outcome = JSON.stringify(await send(item(1, 'words')))
          const secrets = Object.values(rig.secrets ?? {})
          expect(secrets.length).toBeGreaterThan(0)
          for (const secret of secrets) expect(outcome).not.toContain(secret)
        }
      })
    }

    it('leaves no connection behind when it is closed', async () => {
      const { send, sink, rig } = await opened('take')
      await send(item(1, 'words'))
      await sink.close?.()
      let open = await (rig.connections?.() ?? 0)
      for (let waits = 0; open > 0 && waits < 100; waits++) {
        await sleep(20)
        open = await (rig.connections?.() ?? 0)
      }
      expect(open).toBe(0)
    })
  })
}
