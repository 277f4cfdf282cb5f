/** Destinations for peers: opened as the program opens them, with the official clients that are installed here, and given events. */
import type { Batch, Item, Outcome, Sink } from '../../src/deliver/contract.ts'
import { batchId } from '../../src/deliver/outbox.ts'
import { sinkKind } from '../../src/deliver/registry.ts'

/** Opens a destination after its section of the settings. */
export async function opened(
  kind: string,
  section: object,
  secrets: Readonly<Record<string, string>> = {},
  timeoutMs = 10_000,
): Promise<Sink> {
  const found = sinkKind(kind)
  if (found === undefined) throw new Error(`There is no kind ${kind}.`)
  return found.open(section, {
    name: kind,
    timeoutMs,
    folder: import.meta.dirname,
    secret: (reference) => secrets[reference] ?? '',
  })
}

/** Letters of other scripts, quotes, and what shells and markup would act on. */
export const WORDS = 'Zoë 東京 🙂 "quoted" \\back\\ <b>&amp;</b>\nnext line'

/** An event of today, or of another time. */
export const event = (n: number, more: Partial<Item> = {}): Item => ({
  id: `event-${n}`,
  key: `person-${n % 5}@example.com`,
  timeMs: Date.now() - 3_600_000 + n,
  text: JSON.stringify({ id: `event-${n}`, n, words: WORDS }),
  ...more,
})

/** So many of them. */
export const events = (from: number, to: number): Item[] =>
  Array.from({ length: to - from }, (_, index) => event(from + index))

/** A batch of them, with the id that the dispatcher would give it. */
export const batchOf = (items: readonly Item[]): Batch => ({
  id: batchId(
    'peer',
    items.map(({ id }) => id),
  ),
  items,
  attempt: 1,
})

/** Sends them in one batch. */
export const send = (sink: Sink, items: readonly Item[]): Promise<Outcome> =>
  sink.send(batchOf(items), AbortSignal.timeout(60_000))

/** Opens, works, and closes whatever comes of it. */
export async function using<T>(opening: Promise<Sink>, work: (sink: Sink) => Promise<T>): Promise<T> {
  const sink = await opening
  try {
    return await work(sink)
  } finally {
    await sink.close?.()
  }
}
