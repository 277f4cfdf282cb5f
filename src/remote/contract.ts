/**
 * What commands ask for, wherever the answer comes from: a home of this machine (`cli/home/`) or a server (this room). Shapes are those
 * of the API; a home knows a little more, which is optional here.
 */
import type { AlertFilter, AlertKind } from '../alert/alert.ts'
import type { Matcher } from '../alert/match.ts'
import type { MadeToken, NewToken, TokenRow } from '../serve/shapes/access.ts'
import type { AlertDeed, AlertDetail, AlertRow, SilenceRow } from '../serve/shapes/alerts.ts'
import type { DeadLetterPage, DestinationList } from '../serve/shapes/operations.ts'

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

/** Tokens of programs. */
export interface TokenBook {
  make(wish: NewToken): Promise<MadeToken>
  /** The newest first. */
  list(): Promise<readonly TokenRow[]>
  /** Revokes each; told of each as it is done. @throws AppError NOT_FOUND, before any is revoked */
  revoke(ids: readonly string[], done: (token: TokenRow) => void): Promise<void>
}

/** A destination and how it does. */
export type DestinationLine = Shown<DestinationList['destinations'][number]>

/** What was refused for good. */
export interface DeadLine extends Shown<Omit<DeadLetterPage['letters'][number], 'time'>> {
  readonly deadMs: number
}

/** What became of a test. */
export interface Tested {
  readonly outcome: string
  readonly reason?: string | undefined
}

/** What became of letters that were sent again. */
export interface Replayed {
  readonly revived: number
  readonly delivered: number
  readonly refused?: string | undefined
}

/** Destinations. Names are checked before by {@link DeliveryBook.names}. */
export interface DeliveryBook {
  status(): Promise<readonly DestinationLine[]>
  names(): Promise<readonly string[]>
  test(name: string): Promise<Tested>
  replay(name: string): Promise<Replayed>
  /** Of one destination or of all, the oldest of each first. */
  dead(name: string | undefined, most: number): Promise<readonly DeadLine[]>
  /** How many there are; gone where that is really meant. */
  discard(name: string, really: boolean): Promise<number>
}
