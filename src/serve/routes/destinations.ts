/** Where alerts and events go: how each destination does, tests, and what was refused for good. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createRoute, z } from '@hono/zod-openapi'
import { AppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import type { SinkKind } from '../../deliver/contract.ts'
import { DELIVER_FILE } from '../../deliver/open.ts'
import { Outbox } from '../../deliver/outbox.ts'
import { type DestinationSettings, readDeliverSettings } from '../../deliver/settings.ts'
import { statusOf } from '../../deliver/status.ts'
import { replayLetters, sendTest } from '../../deliver/trial.ts'
import { masked, type TextMask } from '../alerting/text-mask.ts'
import { newRoutes } from '../app.ts'
import type { Principal, RouteGroup } from '../contract.ts'
import { cursorAfter, keysOf } from '../key-cursor.ts'
import { isLimitedByLists } from '../read/visible.ts'
import { answer, behind, REFUSED, REFUSED_OR_CONFLICT } from '../routing.ts'
import { DeadLetterPage, DestinationList } from '../shapes/operations.ts'
import { limitParam } from '../shapes/page.ts'

const MOST = 200
const USUAL = 50

/** Of a dead letter so much is shown. */
const SHOWN_CHARS = 4000

/** Letters are sent one after another, to systems that may be slow. */
const SENDING_SECONDS = 120

const named = z.object({
  name: z.string().min(1).max(200).openapi({ description: 'Name of a destination.', example: 'pager' }),
})

const list = createRoute({
  method: 'get',
  path: '/api/v1/destinations',
  tags: ['Operations'],
  summary: 'Show how destinations are doing',
  ...behind('health:read', 'getHealth'),
  responses: {
    ...REFUSED,
    200: answer('The destinations of deliver.yaml.', DestinationList, {
      destinations: [{ name: 'pager', kind: 'webhook', takes: 'messages', delivered: 12, waiting: 0, dead: 0 }],
    }),
  },
})

const Tested = z.object({ outcome: z.string(), reason: z.string().optional() }).openapi('TestOutcome')

const test = createRoute({
  method: 'post',
  path: '/api/v1/destinations/{name}/test',
  tags: ['Operations'],
  summary: 'Send something that says that it is a test',
  ...behind('delivery:change', 'testDestination', { seconds: SENDING_SECONDS }),
  request: { params: named },
  responses: { ...REFUSED, 200: answer('What became of it.', Tested, { outcome: 'delivered' }) },
})

const Replayed = z
  .object({ revived: z.number().int(), delivered: z.number().int(), refused: z.string().optional() })
  .openapi('ReplayOutcome')

const replay = createRoute({
  method: 'post',
  path: '/api/v1/destinations/{name}/replay',
  tags: ['Operations'],
  summary: 'Send again what was refused for good',
  description: 'Messages go back into the queue; events are sent at once, until one is refused again.',
  ...behind('delivery:change', 'replayDeadLetters', { seconds: SENDING_SECONDS }),
  request: { params: named },
  responses: { ...REFUSED_OR_CONFLICT, 200: answer('What became of it.', Replayed, { revived: 3, delivered: 0 }) },
})

const dead = createRoute({
  method: 'get',
  path: '/api/v1/destinations/{name}/dead',
  tags: ['Operations'],
  summary: 'List what was refused for good, the oldest first',
  description:
    'What a letter holds is shown to whoever sees all rows and nothing masked; others see the number it was refused with, or why.',
  ...behind('health:read', 'searchDeadLetters'),
  request: {
    params: named,
    query: z.object({ limit: limitParam(MOST, USUAL), cursor: z.string().max(200).optional() }),
  },
  responses: {
    ...REFUSED,
    200: answer('A page of dead letters.', DeadLetterPage, {
      letters: [
        {
          id: '8c1f0be2a7d94e53-1',
          seq: 1,
          destination: 'pager',
          reason: '400: unknown routing key',
          time: '2026-11-12T08:20:00.000Z',
          body: '{"title":"Account admin granted"}',
        },
      ],
      nextCursor: null,
    }),
  },
})

const discard = createRoute({
  method: 'delete',
  path: '/api/v1/destinations/{name}/dead/{seq}',
  tags: ['Operations'],
  summary: 'Throw a dead letter away, for good',
  ...behind('delivery:change', 'discardDeadLetter'),
  request: { params: named.extend({ seq: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) }) },
  responses: { ...REFUSED, 204: { description: 'It is gone.' } },
})

/** `/api/v1/destinations`. */
export const destinations: RouteGroup = (deps) => {
  const { home } = deps
  /** One replay at a time for each: two would send the same letters. */
  const replaying = new Set<string>()
  const reasonOf = (principal: Principal, signal: AbortSignal, reason: string): Promise<string> =>
    masked(deps.lake, principal, signal, (mask) => reasonFor(principal, mask, reason))
  return newRoutes()
    .openapi(list, async (c) => {
      const rows = await statusOf(home, await settingsOf(home))
      const principal = c.get('principal')
      const found = await masked(deps.lake, principal, c.get('signal'), (mask) =>
        rows.map(({ lastFailure: failed, ...each }) => ({
          ...each,
          ...(failed === undefined
            ? {}
            : { lastFailure: { ...failed, reason: reasonFor(principal, mask, failed.reason) } }),
        })),
      )
      return c.json({ destinations: found }, 200)
    })
    .openapi(test, async (c) => {
      const destination = endingWith(c.get('signal'), await destinationOf(home, c.req.valid('param').name))
      const outcome = await sendTest(home, destination, deps.now())
      const reason =
        'reason' in outcome ? outcome.reason : outcome.kind === 'partly' ? outcome.refused[0]?.reason : undefined
      const said = reason === undefined ? {} : { reason: await reasonOf(c.get('principal'), c.get('signal'), reason) }
      return c.json({ outcome: outcome.kind, ...said }, 200)
    })
    .openapi(replay, async (c) => {
      const { name } = c.req.valid('param')
      const destination = await destinationOf(home, name)
      if (replaying.has(name)) throw new AppError('CONFLICT', 'Its letters are being sent already.')
      replaying.add(name)
      try {
        const report: Awaited<ReturnType<typeof replayLetters>> = existsSync(home.outbox)
          ? await replayLetters(home, endingWith(c.get('signal'), destination), deps.now())
          : { revived: 0, delivered: 0 }
        deps.service?.nudge('deliver')
        const said =
          report.refused === undefined
            ? {}
            : { refused: await reasonOf(c.get('principal'), c.get('signal'), report.refused) }
        return c.json({ ...report, ...said }, 200)
      } finally {
        replaying.delete(name)
      }
    })
    .openapi(dead, async (c) => {
      const { name } = c.req.valid('param')
      const { limit, cursor } = c.req.valid('query')
      await destinationOf(home, name)
      const asked = { limit, after: afterOf(cursor) }
      const principal = c.get('principal')
      const page = await masked(deps.lake, principal, c.get('signal'), (mask) =>
        deadPage(home, name, asked, { principal, mask }),
      )
      return c.json(page, 200)
    })
    .openapi(discard, async (c) => {
      const { name, seq } = c.req.valid('param')
      await destinationOf(home, name)
      discardOne(home, name, seq)
      return c.body(null, 204)
    })
}

const settingsOf = (home: Home) => readDeliverSettings(join(home.root, DELIVER_FILE))

async function destinationOf(home: Home, name: string): Promise<DestinationSettings> {
  const found = (await settingsOf(home)).destinations.find((each) => each.name === name)
  if (found === undefined) throw new AppError('NOT_FOUND', 'There is no destination of this name.')
  return found
}

/** The same destination; what is sent to it ends with the signal, and nothing more is sent then. */
export function endingWith(signal: AbortSignal, destination: DestinationSettings): DestinationSettings {
  const { kind } = destination
  const open: SinkKind['open'] = async (section, context) => {
    const sink = await kind.open(section, context)
    return {
      limits: sink.limits,
      send: async (batch, until) =>
        signal.aborted
          ? { kind: 'again', reason: 'Nobody waits for it any more.' }
          : sink.send(batch, AbortSignal.any([until, signal])),
      close: async () => sink.close?.(),
    }
  }
  return { ...destination, kind: { ...kind, open } }
}

const afterOf = (cursor: string | undefined): number => Number(keysOf(cursor, [/^\d{1,15}$/])?.[0] ?? 0)

/** Whoever sees all rows and nothing masked. */
const seesAll = (principal: Principal): boolean => principal.masks.length === 0 && !isLimitedByLists(principal.rows)

/** What another system answered to what it was sent may quote that, in words that no mask of ours fits: then only the number is told. */
function reasonFor(principal: Principal, mask: TextMask, reason: string): string {
  if (seesAll(principal)) return reason
  const [, status, words] = /^(\d{3}): ([\s\S]*)$/.exec(reason) ?? []
  return words === undefined ? mask.text(reason) : `${status}: [${words.length} characters]`
}

interface Reading {
  readonly principal: Principal
  readonly mask: TextMask
}

function deadPage(
  home: Home,
  destination: string,
  { limit, after }: { readonly limit: number; readonly after: number },
  { principal, mask }: Reading,
): DeadLetterPage {
  const found = within(home, [], (outbox) => outbox.dead({ destination, after, most: limit + 1 }))
  // What was to be sent tells of events in words of other systems, which no mask of ours fits.
  const isOpen = seesAll(principal)
  const letters = found.slice(0, limit).map(({ id, seq, reason, deadMs, body }) => ({
    id,
    seq,
    destination,
    reason: reasonFor(principal, mask, reason),
    time: new Date(deadMs).toISOString(),
    body: isOpen ? body.slice(0, SHOWN_CHARS) : `[${body.length} characters]`,
  }))
  const last = letters.at(-1)
  return { letters, nextCursor: found.length > limit && last ? cursorAfter([String(last.seq)]) : null }
}

function discardOne(home: Home, destination: string, seq: number): void {
  const isThere = within(home, false, (outbox) => {
    const [letter] = outbox.dead({ destination, after: seq - 1, most: 1 })
    if (letter?.seq !== seq) return false
    outbox.discard(seq)
    return true
  })
  if (!isThere) throw new AppError('NOT_FOUND', 'There is no such letter.')
}

function within<T>(home: Home, none: T, work: (outbox: Outbox) => T): T {
  // Opening makes the file, and looking should not.
  if (!existsSync(home.outbox)) return none
  const outbox = Outbox.open(home.outbox)
  try {
    return work(outbox)
  } finally {
    outbox.close()
  }
}
