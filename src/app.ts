/** The running program: configuration, server and loop, wired. The server answers first; the loop begins then. */
import type { Config } from './config/config.ts'
import { checkUsable } from './config/usable.ts'
import { isAppError, messageOf } from './core/errors.ts'
import type { Home } from './core/home.ts'
import { removeServiceLeftovers } from './ingest/scratch.ts'
import { createApp } from './serve/app.ts'
import { Access } from './serve/auth/access.ts'
import { Metrics } from './serve/metrics.ts'
import type { OwnAction } from './serve/own-actions.ts'
import { localRecord, OwnLog } from './serve/own-log.ts'
import { checkOwnWritable } from './serve/own-writable.ts'
import { openLakeReader } from './serve/read/lake-reader.ts'
import { ROUTES } from './serve/routes/registry.ts'
import { type Listening, listen } from './serve/server.ts'
import { PageFiles } from './serve/static.ts'
import { lockService } from './service/lock.ts'
import { Service } from './service/service.ts'

/** Who may start the service may read all that it keeps. */
const LINK_ROLE = 'admin'

/** How the program is started. */
export interface AppOptions {
  readonly home: Home
  readonly config: Config
  readonly now: () => Date
  /** Told what is worth a line of the process's log. */
  readonly note: (line: string) => void
}

/** The program while it runs. */
export interface RunningApp {
  /** Where it listens. */
  readonly url: string
  readonly service: Service
  /** Makes a link that signs in once, as an administrator. */
  link(name: string): Promise<string>
  /** Ends: what is asked is answered, what runs is waited for, for a bounded time. True if all of it ended. */
  close(): Promise<boolean>
}

/** Answers take no longer than this to end once the process is to end; the loop may take the rest of its time. */
const ANSWERS_MS = 5000

/**
 * Starts the server, and then the loop.
 * @throws AppError LOCKED where the home or the port is taken, NOT_RECORDED where the record of use cannot be written, BAD_HOME where it would be open to the network without protection
 */
export async function startApp({ home, config, now, note }: AppOptions): Promise<RunningApp> {
  const closing: (() => unknown)[] = []
  const undo = async () => {
    for (const each of closing.splice(0).reverse()) await each()
  }
  try {
    const place = await lockService(home)
    closing.push(() => place.release())
    await removeServiceLeftovers(home)
    const access = Access.open(home.access, config.serve, now)
    closing.push(() => access.close())
    await checkUsable(config, access.tokens.list().length > 0)
    await checkOwnWritable(home.own, now())
    const ownLog = new OwnLog(home.own, now)
    closing.push(() => ownLog.close())
    await ownLog.recover()
    const own = (action: OwnAction, who: string, params: Record<string, unknown>) =>
      localRecord({ time: now(), action, who, program: 'bricktrail-serve', params })
    const ended = access.settle(config.serve.access)
    if (ended > 0)
      await ownLog.append(own('endSession', 'bricktrail', { sessions: ended, reason: 'access settings changed' }))
    const lake = await openLakeReader(home)
    closing.push(() => lake.close())
    const failed = (what: string, cause: unknown) =>
      note(`${what}: ${messageOf(cause)}${isAppError(cause) ? ` ${cause.hint}` : ''}`)
    const service = await Service.open({
      home,
      settings: config.service,
      now,
      onFailure: failed,
      onWait: () => note('Another bricktrail process is writing to this home; waiting for it.'),
    })
    const metrics = new Metrics({ home, service, ownLog })
    const stopping = new AbortController()
    const app = createApp(
      {
        home,
        now,
        lake,
        service,
        access,
        ownLog,
        metrics,
        stopping: stopping.signal,
        settings: config.serve,
        page: new PageFiles(),
        unexpected: failed,
        answered: metrics.answered,
      },
      ROUTES,
    )
    const server = await listen(app, { ...config.listen, settings: config.serve, unexpected: failed })
    closing.push(() => server.close(ANSWERS_MS))
    await place.tell(server.url)
    service.begin()
    return {
      url: server.url,
      service,
      link: async (name) => {
        await ownLog.append(own('createLink', name, { role: LINK_ROLE, way: 'start of the service' }))
        return linkTo(access, config.serve.publicUrl ?? server.url, name)
      },
      close: () => {
        stopping.abort()
        return closed(server, service, undo)
      },
    }
  } catch (cause) {
    await undo()
    throw cause
  }
}

async function closed(server: Listening, service: Service, undo: () => Promise<void>): Promise<boolean> {
  // Live streams have ended; nothing new is taken meanwhile.
  const [isEnded] = await Promise.all([service.stop(), server.close(ANSWERS_MS)])
  await undo()
  return isEnded
}

function linkTo(access: Access, url: string, name: string): string {
  const { code } = access.links.make({ name, role: LINK_ROLE })
  return `${url}/auth/link?code=${encodeURIComponent(code)}`
}
