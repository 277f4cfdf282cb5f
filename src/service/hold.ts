/** Whether there is room for more: what is ingested makes messages and files. */
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Home } from '../core/home.ts'
import { DELIVER_FILE } from '../deliver/open.ts'
import { Outbox } from '../deliver/outbox.ts'
import { readDeliverSettings } from '../deliver/settings.ts'

/** Why nothing may be ingested for want of room on the disk; undefined where there is enough. */
export async function diskHold(home: Pick<Home, 'root'>, floorBytes: number): Promise<string | undefined> {
  const { bavail, bsize } = await statfs(home.root)
  const free = bavail * bsize
  if (free >= floorBytes) return undefined
  return `held back: ${mebibytes(free)} MiB free on the disk of ${home.root}, and disk_floor is ${mebibytes(floorBytes)} MiB`
}

/** Why nothing may be ingested while so many messages wait; undefined where there is room for more. */
export async function outboxHold(home: Pick<Home, 'root' | 'outbox'>): Promise<string | undefined> {
  if (!existsSync(home.outbox)) return undefined
  // Settings that cannot be used are for delivery to tell of.
  const settings = await readDeliverSettings(join(home.root, DELIVER_FILE)).catch(() => undefined)
  if (settings === undefined || settings.destinations.length === 0) return undefined
  const outbox = Outbox.open(home.outbox)
  try {
    const waiting = [...outbox.waiting().values()].reduce((sum, { messages }) => sum + messages, 0)
    if (waiting < settings.mostWaiting) return undefined
    return `held back: ${waiting} messages wait to be delivered, as many as most_waiting of deliver.yaml allows; see \`bricktrail deliver status\``
  } finally {
    outbox.close()
  }
}

const mebibytes = (bytes: number): string => Math.floor(bytes / 1024 ** 2).toLocaleString('en-US')
