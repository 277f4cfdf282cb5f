/**
 * What commands ask for, wherever the answer comes from: a home of this machine (`cli/home/`) or a server (this room). Shapes are those
 * of the API; a home knows a little more, which is optional here.
 */
import type { AlertFilter, AlertKind } from '../alert/alert.ts'
import type { Matcher } from '../alert/match.ts'
import type { AlertDeed, AlertDetail, AlertRow, SilenceRow } from '../serve/shapes/alerts.ts'

/** A shape that is only read. */
export type Shown<T> = T extends readonly (infer E)[]
  ? readonly Shown<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Shown<T[K]> }
    : T

/** An alert or incident in a list. */
export type AlertLine = Shown<AlertRow>

/** An alert or incident in full. */
export interface AlertWhole extends Shown<Omit<AlertDetail, 'runbook'>> {
  /** Findings since it was resolved; a server does not tell. */
  readonly counted?: number
}

/** What became of a deed. */
export interface Deeded {
  /** False where it was so before. */
  readonly isDone: boolean
  readonly alert: AlertLine
}

/** A silence that is wanted. */
export interface SilenceWish {
  /** An alert, by the beginning of its id: its rule and whom it is about. */
  readonly alert?: string
  /** What else it is about; stronger than that. */
  readonly matcher: Matcher
  readonly endsMs: number
  readonly reason: string
}

/** A silence as it is shown; a home tells what it matches by, too. */
export interface SilenceLine extends Shown<SilenceRow> {
  readonly matcher?: Matcher
}

/** Alerts and incidents. Ids are given by their beginnings. */
export interface AlertBook {
  /** The first that match, and whether there are more. */
  list(filter: AlertFilter): Promise<{ readonly alerts: readonly AlertLine[]; readonly hasMore: boolean }>
  /** @throws AppError where none or several have such an id */
  one(kind: AlertKind, id: string): Promise<AlertWhole>
  /** Does it to each. A slip in one name leaves nothing done. @throws AppError where a state does not allow it */
  act(kind: AlertKind, ids: readonly string[], deed: AlertDeed): Promise<readonly Deeded[]>
  silence(wish: SilenceWish): Promise<SilenceLine>
  /** All of them, the newest first. */
  silences(): Promise<readonly SilenceLine[]>
  /** Ends one that is in force. */
  unsilence(id: string): Promise<SilenceLine>
}

/** A query of a runbook. */
export interface ServerStep {
  readonly title: string
  readonly sql: string
}
