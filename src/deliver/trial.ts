/** Sending by hand: a test, and what was refused before. */
import type { Home } from '../core/home.ts'
import type { Batch, Item, Outcome, Sink } from './contract.ts'
import { sent } from './contract.ts'
import { fitted } from './fit.ts'
import type { AlertMessage } from './message.ts'
import { openSink } from './open.ts'
import { batchId, Outbox } from './outbox.ts'
import type { DestinationSettings } from './settings.ts'

/** Sends one thing that says that it is a test. Nothing of it is kept. */
export async function sendTest(home: Home, destination: DestinationSettings, now: Date): Promise<Outcome> {
  const sink = await openSink(destination, home)
  try {
    const id = `test-${now.getTime()}`
    const text = JSON.stringify(destination.kind.takes === 'messages' ? testMessage(now) : testEvent(id, now))
    return await trySending(sink, destination, [{ id, key: 'test', timeMs: now.getTime(), text }])
  } finally {
    await sink.close?.()
  }
}

const trySending = (sink: Sink, { name, timeoutMs }: DestinationSettings, items: readonly Item[]): Promise<Outcome> => {
  const fitting = items.map((item) => fitted(item, sink.limits))
  const batch: Batch = {
    id: batchId(
      name,
      fitting.map(({ id }) => id),
    ),
    items: fitting,
    attempt: 1,
  }
  return sent(sink, batch, AbortSignal.timeout(2 * timeoutMs))
}

const testMessage = (now: Date): AlertMessage => ({
  action: 'test',
  alertId: 'test',
  dedupKey: 'bricktrail-test',
  title: 'A test of Bricktrail',
  summary: 'If you can read this, alerts reach you here. Nothing has to be done.',
  level: 'informational',
  status: 'new',
  rule: { id: 'test', title: 'Test' },
  tags: [],
  firstTime: now.toISOString(),
  lastTime: now.toISOString(),
  sentTime: now.toISOString(),
  events: 0,
  findings: [],
  because: ['somebody asked for a test'],
  runbook: [],
})

const testEvent = (id: string, now: Date): Readonly<Record<string, unknown>> => ({
  id,
  time: now.getTime(),
  message: 'A test of Bricktrail. If you can read this, events reach you here.',
})

/**
 * Messages refused before go back into the queue; events are sent now, one by one, until one is refused again. `refused` says why that was.
 */
export async function replayLetters(
  home: Home,
  destination: DestinationSettings,
  now: Date,
): Promise<{ revived: number; delivered: number; refused?: string }> {
  const outbox = Outbox.open(home.outbox)
  const sink = destination.kind.takes === 'events' ? await openSink(destination, home) : undefined
  let [revived, delivered] = [0, 0]
  try {
    for (;;) {
      const [letter] = outbox.dead({ destination: destination.name, most: 1 })
      if (letter === undefined) return { revived, delivered }
      if (sink !== undefined) {
        const { id, key, body } = letter
        const outcome = await trySending(sink, destination, [{ id, key, timeMs: letter.deadMs, text: body }])
        if (outcome.kind !== 'delivered')
          return { revived, delivered, refused: 'reason' in outcome ? outcome.reason : 'refused' }
        delivered += 1
      } else revived += 1
      outbox.revive(letter, now.getTime())
    }
  } finally {
    await sink?.close?.()
    outbox.close()
  }
}
