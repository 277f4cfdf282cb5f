/** The stage that delivers: lanes run until the service ends, or the settings of delivery are others. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { DELIVER_FILE, openDelivery } from '../deliver/open.ts'
import { readDeliverSettings } from '../deliver/settings.ts'
import type { Outcome, RunContext } from './stage.ts'

/** How often the settings are looked at. */
const SETTINGS_MS = 2000

/** The work of the stage. Other processes may put messages into the outbox meanwhile. */
export const deliverWork =
  (home: Home) =>
  async ({ signal, note, trouble }: RunContext): Promise<Outcome> => {
    const file = join(home.root, DELIVER_FILE)
    const stamp = await stampOf(file)
    const settings = await readDeliverSettings(file)
    const count = settings.destinations.length
    if (count === 0)
      return {
        did: false,
        state: 'off',
        note: `${DELIVER_FILE} names no destinations.`,
        nextMs: Date.now() + SETTINGS_MS,
      }
    const delivery = await openDelivery(home, settings, {
      onTrouble: (name, message) => trouble(new AppError('UNREADABLE', `${name}: ${message}`, { hint: HINT })),
    })
    const ending = new AbortController()
    const end = AbortSignal.any([signal, ending.signal])
    try {
      note(`delivers to ${count} ${count === 1 ? 'destination' : 'destinations'}`)
      const serving = delivery.dispatcher.serve(end)
      while (!end.aborted) {
        await sleep(SETTINGS_MS, undefined, { signal: end }).catch(() => {})
        if ((await stampOf(file)) !== stamp && (await isUsable(file, trouble))) ending.abort()
      }
      await serving
      return { nextMs: 0 }
    } finally {
      await delivery.close()
    }
  }

const HINT = 'See `bricktrail deliver status`.'

/** Settings that cannot be used change nothing: what was read before goes on. */
async function isUsable(file: string, trouble: RunContext['trouble']): Promise<boolean> {
  try {
    await readDeliverSettings(file)
    return true
  } catch (cause) {
    trouble(cause)
    return false
  }
}

const stampOf = async (file: string): Promise<string> => {
  const info = await stat(file).catch(() => undefined)
  return info === undefined ? '' : `${info.mtimeMs} ${info.size}`
}
