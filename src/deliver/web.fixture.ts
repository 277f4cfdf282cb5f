/** A server of the web for {@link describeSink}: the usual statuses for each manner, and answers that quote what was sent. */
import { type Posted, type Receiver, type Reply, receiver } from './receiver.fixture.ts'
import { BUSY_SECS, type Manner, type Rig } from './sink.suite.ts'

/** What differs from service to service. */
export interface WebRig {
  /** Settings and secrets that lead to the server. */
  readonly settings: (url: string) => Pick<Rig, 'section' | 'secrets'>
  /** What repeats are told by, of each item in a request that was taken. */
  readonly keys: (posted: Posted) => readonly string[]
  /** Whether a request delivers something; all do where absent. Others are answered as taken. */
  readonly delivers?: (posted: Posted) => boolean
  /** Answers of its own; each may look at the request. */
  readonly replies?: Partial<Record<Manner, (posted: Posted) => Reply>>
}

const TAKING: readonly Manner[] = ['take', 'late', 'take and hang up', 'refuse the second']

/** Starts it. */
export async function webRig(manner: (request: number) => Manner, own: WebRig): Promise<Rig> {
  const taken: Posted[] = []
  let requests = 0
  const reply = (posted: Posted): Reply => {
    const delivers = own.delivers?.(posted) ?? true
    const how = delivers ? manner(++requests) : 'take'
    if (delivers && TAKING.includes(how)) taken.push(posted)
    return own.replies?.[how]?.(posted) ?? usual(how, posted, own)
  }
  const there: Receiver = await receiver(reply)
  return {
    ...own.settings(there.url),
    keys: () => taken.flatMap((posted) => own.keys(posted)),
    text: () => taken.map(({ body }) => legible(body)).join('\n'),
    connections: () => there.connections(),
    close: () => there.close(),
  }
}

function usual(how: Manner, posted: Posted, own: WebRig): Reply {
  const quoted = `${posted.headers.authorization ?? ''} ${posted.path} ${posted.body}`
  switch (how) {
    case 'take and hang up':
      // What the server did when it took it happened, though nobody is told.
      own.replies?.take?.(posted)
      return 'hang up'
    case 'never answer':
      return 'never'
    case 'late': {
      const taken = own.replies?.take?.(posted) ?? { status: 200 }
      return typeof taken === 'string' ? taken : { ...taken, afterMs: 300 }
    }
    case 'busy':
      return { status: 429, headers: { 'retry-after': String(BUSY_SECS) }, body: quoted }
    case 'broken':
      return { status: 503, body: quoted }
    case 'refuse':
      return { status: 400, body: quoted }
    case 'refuse credentials':
      return { status: 401, body: quoted }
    default:
      return { status: 200 }
  }
}

/** All texts in a body of JSON, as who receives it reads them; other bodies as they are. */
export function legible(body: string): string {
  try {
    return texts(JSON.parse(body)).join('\n')
  } catch {
    return body
  }
}

const texts = (value: unknown): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, each]) => [key, ...texts(each)])
    : [String(value)]
