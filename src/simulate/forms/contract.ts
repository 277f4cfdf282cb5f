/** How events of the simulation are written down: one file a form. */
import type { Account } from '../account/account.ts'
import type { SimEvent } from '../event.ts'
import type { Random } from '../random.ts'

/** The forms the simulator writes. */
export type FormName = 'delivery' | 'azure' | 'system-table'

/** A form bound to an account. */
export interface Form {
  /** False for events this form never carries. */
  carries(event: SimEvent): boolean
  /** The event as one line of JSON, without line end. */
  line(event: SimEvent): string
  /** Which file of its time slot the event belongs to. */
  bucket(event: SimEvent): string
  /** The file of a bucket, below the output folder, without `.gz`. Several slots may share a file. */
  path(bucket: string, slot: FileSlot): string
}

/** The stretch of time a file holds. */
export interface FileSlot {
  readonly startMs: number
  /** Number of the slot within its UTC day, from 0. */
  readonly ofDay: number
}

/** Makes a form. `ids` gives the ids the form itself puts on records. */
export type MakeForm = (account: Account, ids: Random) => Form

/** A JSON string or null; `text` must hold nothing that JSON escapes. */
export const plain = (text: string | null): string => (text === null ? 'null' : `"${text}"`)

/** A JSON string or null of any text. */
export const quoted = (text: string | null): string => (text === null ? 'null' : JSON.stringify(text))

/** yyyy-mm-dd of a time, UTC. */
export const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10)
