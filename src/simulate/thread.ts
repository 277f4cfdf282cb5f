/** A thread of activity: one principal, in one session, doing one thing after another. */
import type { Workspace } from './account/workspaces.ts'
import { type Emit, OK, type Params, type Principal, REQUESTED, type Reply } from './event.ts'
import type { Random } from './random.ts'

/** What stays the same while somebody is at it: address, client, session, workspace. */
export interface Session {
  readonly who: Principal
  readonly workspace: Workspace
  readonly ip: string | null
  readonly userAgent: string | null
  readonly id: string | null
  /** Dedicated compute of a group: who runs, and as which identity. */
  readonly runBy?: string
  readonly runAs?: string
}

/** Some records spell the service differently; seen for these. */
const CASE_VARIANTS: Readonly<Record<string, string>> = {
  unityCatalog: 'unitycatalog',
  jobs: 'Jobs',
  clusters: 'Clusters',
  dashboards: 'Dashboards',
  repos: 'Repos',
}

/** Writes the events of one session, its clock going only forward. */
export class Thread {
  timeMs: number
  readonly session: Session
  readonly random: Random
  readonly #emit: Emit

  constructor(session: Session, timeMs: number, random: Random, emit: Emit) {
    this.session = session
    this.timeMs = timeMs
    this.random = random
    this.#emit = emit
  }

  /** The same people and time, under another session: what the platform does on their behalf. */
  as(session: Session): Thread {
    return new Thread(session, this.timeMs, this.random, this.#emit)
  }

  /** Lets between `minSecs` and `maxSecs` pass. */
  wait(minSecs: number, maxSecs: number): this {
    this.timeMs += Math.floor((minSecs + this.random.float() * (maxSecs - minSecs)) * 1000)
    return this
  }

  /** A workspace event. */
  log(service: string, action: string, params: Params, reply: Reply = OK): string {
    return this.#write('WORKSPACE_LEVEL', this.session.workspace.id, service, action, params, reply)
  }

  /** A Unity Catalog event: account level, the acting workspace only in its parameters. */
  uc(action: string, params: Params, reply: Reply = OK): string {
    const { id, metastoreId } = this.session.workspace
    const full = { ...params, workspace_id: id, metastore_id: metastoreId }
    return this.#write('ACCOUNT_LEVEL', id, 'unityCatalog', action, full, reply)
  }

  /** An account event that belongs to no workspace. */
  account(service: string, action: string, params: Params, reply: Reply = OK): string {
    return this.#write('ACCOUNT_LEVEL', null, service, action, params, reply)
  }

  /** A slow workspace action: one record for the request, one for the answer, the same request id. */
  slow(service: string, action: string, params: Params, secs: number, reply: Reply = OK): string {
    const requestId = this.log(service, action, params, REQUESTED)
    this.timeMs += Math.floor(secs * 1000)
    return this.#write('WORKSPACE_LEVEL', this.session.workspace.id, service, action, params, reply, requestId)
  }

  #write(
    level: 'ACCOUNT_LEVEL' | 'WORKSPACE_LEVEL',
    workspaceId: string | null,
    service: string,
    action: string,
    params: Params,
    reply: Reply,
    requestId = this.random.uuid(),
  ): string {
    const { who, ip, userAgent, id, runBy = null, runAs = null } = this.session
    const spelled = this.random.next() % 1000 === 0 ? (CASE_VARIANTS[service] ?? service) : service
    this.#emit({
      timeMs: this.timeMs,
      level,
      workspaceId,
      service: spelled,
      action,
      who,
      ip,
      userAgent,
      sessionId: id,
      requestId,
      params,
      reply,
      runBy,
      runAs,
    })
    this.timeMs += 40 + (this.random.next() & 255)
    return requestId
  }
}
