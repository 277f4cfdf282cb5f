/** Timestamp authorities as anchors: raw answers under `seal/timestamps/`. */
import { readFile } from 'node:fs/promises'
import { messageOf } from '../../core/errors.ts'
import type { ObjectStore } from '../../lake/stores/contract.ts'
import { notePath } from '../log-head.ts'
import { requestTimestamp } from '../timestamp/client.ts'
import { type Timestamp, verifyTimestamp } from '../timestamp/verify.ts'
import { type Anchor, type AnchorOutcome, failed, type TimestampConfig } from './contract.ts'
import { shownUrl } from './exchange.ts'

const FOLDER = 'timestamps/'
/** A name: size in 20 digits; further answers for a size, of other authorities, have a number. */
const NAME = /^timestamps\/(\d{20})(?:\.\d+)?\.tsr$/
/** Earlier answers looked at for one of the same authority. */
const MAX_LOOKS = 5

const sizeText = (size: bigint): string => String(size).padStart(20, '0')

/** An anchor that asks an authority. */
export function timestampAnchor({ url, ca }: TimestampConfig, store: ObjectStore, now: () => Date): Anchor {
  return {
    id: `timestamp ${shownUrl(url)}`,
    async anchor({ size, note }, signal): Promise<AnchorOutcome> {
      const caPem = await readFile(ca, 'utf8').catch((cause: unknown) => new Error(messageOf(cause)))
      if (caPem instanceof Error) return failed(`its CA file cannot be read: ${caPem.message}`)
      const names = (await store.list(FOLDER)).filter((name) => NAME.test(name))
      for (const name of names.filter((one) => one.startsWith(`${FOLDER}${sizeText(size)}`))) {
        const held = await stampIn(store, name, caPem)
        if (held !== undefined) return anchored(held)
      }
      const previous = await newestBefore(store, names, size, caPem)
      const stamp = await requestTimestamp({ url, caPem, note, now, signal, previous })
      if (!stamp.ok) return failed(stamp.reason)
      await keep(store, size, stamp.tsr)
      return anchored(stamp)
    },
  }
}

const anchored = ({ time, tsa }: Timestamp): AnchorOutcome => ({
  kind: 'anchored',
  detail: `${tsa}, ${time.toISOString()}`,
})

/** The stamp of a kept answer, if it holds for the checkpoint of its size under these certificates. */
async function stampIn(store: ObjectStore, name: string, caPem: string): Promise<Timestamp | undefined> {
  const [tsr, note] = await Promise.all([store.read(name), store.read(notePath(BigInt(NAME.exec(name)?.[1] ?? 0)))])
  if (tsr === undefined || note === undefined) return undefined
  const stamp = await verifyTimestamp(tsr, note, caPem)
  return stamp.ok ? stamp : undefined
}

async function newestBefore(
  store: ObjectStore,
  names: readonly string[],
  size: bigint,
  caPem: string,
): Promise<Timestamp | undefined> {
  const earlier = names.filter((name) => name < `${FOLDER}${sizeText(size)}`).sort()
  for (const name of earlier.slice(-MAX_LOOKS).reverse()) {
    const stamp = await stampIn(store, name, caPem)
    if (stamp !== undefined) return stamp
  }
  return undefined
}

/** Keeps an answer under the first name that is free; none is ever replaced. */
async function keep(store: ObjectStore, size: bigint, tsr: Uint8Array): Promise<void> {
  for (let n = 1; ; n++) {
    if (await store.putIfAbsent(`${FOLDER}${sizeText(size)}${n === 1 ? '' : `.${n}`}.tsr`, tsr)) return
  }
}
