/** What every way of signing in has in common: who tries too often waits, and both outcomes are recorded before they are told. */
import type { Context } from 'hono'
import { AppError, isAppError } from '../../core/errors.ts'
import type { Principal } from '../contract.ts'
import { type Door, doorOf, note, recordOf, refuse, refuseStranger, TooOften } from '../guard.ts'
import { neighbourhood } from './client.ts'
import { sessionCookie, setSessionCookie } from './cookies.ts'
import { NotBegun } from './oidc.ts'
import type { SessionWish } from './sessions.ts'

/** How somebody proves who they are. */
export type Way = 'token' | 'link' | 'oidc'

/** Somebody who proved who they are. */
export interface Proven {
  readonly session: SessionWish
  /** True if they have a role; without one nothing begins. */
  readonly mayEnter: boolean
}

/** A refusal that knows whom it is about, so that they can be locked out too. */
export class SignInRefused extends AppError {
  readonly about: Pick<SessionWish, 'holder' | 'name'>

  constructor(message: string, about: Pick<SessionWish, 'holder' | 'name'>) {
    super('UNAUTHENTICATED', message)
    this.about = about
  }
}

/** Proves who somebody is. It tells whom it found before it uses anything up: who is locked out goes no further. */
export type Proof = (found: (holder: string) => void) => Promise<Proven>

/**
 * Tries to sign in. The cookie of a session is set on the answer; whatever session the browser had before has ended.
 *
 * @returns undefined, or the refusal, recorded
 */
export async function signIn(c: Context, way: Way, prove: Proof): Promise<AppError | undefined> {
  const door = doorOf(c)
  const address = neighbourhood(door.clients.of(c).address)
  const byAddress = `address:${address}`
  // Of each way its own: who fails by one locks nobody out of another.
  const byHolder = (holder: string) => `${way}:${holder}`
  note(c, { way })
  try {
    checkLock(door, [byAddress])
    await door.ownLog.ready()
    const proven = await prove((holder) => checkLock(door, [byHolder(holder)]))
    const { session } = proven
    if (!proven.mayEnter) throw new SignInRefused(`${session.name} has no role here.`, session)
    await begin(c, door, proven)
    door.access.failures.succeeded([byAddress, byHolder(session.holder)])
    return undefined
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    const failed = cause instanceof SignInRefused ? [byAddress, byHolder(cause.about.holder)] : [byAddress]
    if (cause.code === 'UNAUTHENTICATED' && !(cause instanceof NotBegun)) door.access.failures.failed(failed)
    if (cause instanceof SignInRefused) note(c, { name: cause.about.name })
    return cause
  }
}

/** The refusal of a sign-in as an answer, recorded. */
export const signInRefused = (c: Context, refusal: AppError): Promise<Response> =>
  // Nobody is locked out for that, so that its records are bounded in another way.
  (refusal instanceof NotBegun ? refuseStranger : refuse)(c, doorOf(c), 'signIn', refusal)

function checkLock(door: Door, keys: readonly string[]): void {
  const seconds = door.access.failures.lockedSeconds(keys)
  if (seconds > 0) throw new TooOften(seconds)
}

async function begin(c: Context, door: Door, { session }: Proven): Promise<void> {
  const client = door.clients.of(c)
  const { sessions } = door.access
  const before = sessionCookie(c, client)
  const begun = sessions.begin(session, client.address)
  const who: Pick<Principal, 'id' | 'name' | 'sessionId'> = {
    id: session.holder,
    name: session.name,
    sessionId: `session:${begun.id}`,
  }
  try {
    await door.ownLog.append({ ...recordOf(c, door, { action: 'signIn', status: 200 }), who })
  } catch (cause) {
    sessions.end(begun.id)
    throw cause
  }
  const old = before === undefined ? undefined : sessions.ofSecret(before)
  if (old !== undefined) sessions.end(old.id)
  setSessionCookie(c, client, begun.secret, (begun.endsMs - door.now().getTime()) / 1000)
}
