/** The seal of a server: its state, its checkpoint, proofs of events, and verification over there. */
import { AppError } from '../core/errors.ts'
import { parseProof } from '../seal/proof.ts'
import type { EventProof } from '../seal/prove.ts'
import type { EventPage } from '../serve/shapes/events.ts'
import type { SealView } from '../serve/shapes/operations.ts'
import type { ApiClient } from './client.ts'
import type { Shown } from './contract.ts'

/** How far a seal goes; a home tells up to which versions of its tables, too. */
export interface SealShown extends Shown<Omit<SealView, 'checkpoint' | 'growth' | 'verification'>> {
  readonly sealed?: Readonly<Record<string, number>>
}

/** A verification that has ended. */
export type Verification = Shown<NonNullable<SealView['verification']>>

/** The state of the seal. */
export async function serverSeal(api: ApiClient): Promise<SealShown> {
  const { checkpoint: _c, growth: _g, verification: _v, ...state } = await api.get<SealView>('/api/v1/seal', 'origin')
  return state
}

/** The newest checkpoint, with its cosignatures. */
export const serverCheckpoint = (api: ApiClient): Promise<string> => api.text('/api/v1/seal/checkpoint', /^text\/plain/)

/** Digits of a whole id of an event, and fewest that are looked for. */
const [WHOLE_ID, FEWEST_DIGITS] = [32, 8]
/** Reading the rows of one file anew may take long. */
const PROOF_SILENT_MS = 180_000

/** Proves an event, by the beginning of its id. @throws AppError BAD_ARGUMENT, NOT_FOUND */
export async function serverProof(api: ApiClient, typed: string): Promise<EventProof> {
  const eventId = await eventNamed(api, typed.toLowerCase())
  const path = `/api/v1/events/${encodeURIComponent(eventId)}/proof`
  const text = await api.text(path, /^text\/plain/, { silentMs: PROOF_SILENT_MS })
  const { evidence, index, checkpoint } = parseProof(text)
  if (evidence === undefined) throw new AppError('BAD_SERVER', `${api.address} gave a proof that speaks of no event.`)
  return {
    eventId,
    file: String(evidence.file.record.path),
    position: evidence.row.position,
    leaf: index,
    size: BigInt(/^\d+$/m.exec(checkpoint)?.[0] ?? '0'),
    text,
  }
}

async function eventNamed(api: ApiClient, id: string): Promise<string> {
  if (/^[0-9a-f]+$/.test(id) && id.length === WHOLE_ID) return id
  if (!/^[0-9a-f]+$/.test(id) || id.length < FEWEST_DIGITS)
    throw new AppError('BAD_ARGUMENT', `${id} is no id of an event.`, {
      hint: `Give at least ${FEWEST_DIGITS} digits of one.`,
    })
  const { events } = await api.get<EventPage>('/api/v1/events', 'events', { query: { q: `id:${id}*`, limit: 2 } })
  const [one, another] = events
  if (one === undefined) throw new AppError('BAD_ARGUMENT', `No event has an id that begins with ${id}.`)
  if (another === undefined) return checkedId(api, one.id)
  throw new AppError('BAD_ARGUMENT', `Several events have ids that begin with ${id}.`, { hint: 'Give more of it.' })
}

/** It becomes the name of a file. */
function checkedId(api: ApiClient, id: string): string {
  if (/^[0-9a-f]{8,64}$/.test(id)) return id
  throw new AppError('BAD_SERVER', `${api.address} answered with an id that is none.`)
}

/** How often it is asked how far a verification is: at first soon, since a small home takes a moment. */
const POLL_MS = [250, 500, 1000, 2000, 5000] as const

/**
 * Has the server verify its home, and waits for the end.
 * @param onProgress told how much is done, between 0 and 1
 * @throws AppError BAD_SEAL where it could not be verified, NO_SERVER where another took its place
 */
export async function serverVerification(api: ApiClient, onProgress: (done: number) => void): Promise<Verification> {
  let { verification } = await api.ask<SealView>('POST', '/api/v1/seal/verify', 'verification')
  const begun = verification?.started
  for (let nth = 0; verification?.state === 'running'; nth += 1) {
    onProgress(verification.done)
    await new Promise((done) => setTimeout(done, POLL_MS[Math.min(nth, POLL_MS.length - 1)]))
    verification = (await api.get<SealView>('/api/v1/seal', 'verification')).verification
  }
  // After a start anew it tells of the one before, whose end says nothing of what is now.
  if (verification === null || verification.started !== begun)
    throw new AppError('NO_SERVER', `${api.address} was started anew, and verifies no more.`, {
      hint: 'Run the command again.',
    })
  if (verification.state !== 'failed') return verification
  throw new AppError(
    'BAD_SEAL',
    `The verification did not come to its end: ${verification.findings[0]?.message ?? ''}`,
    {
      hint: 'Run `bricktrail verify` on the machine of the home.',
    },
  )
}
