/**
 * The record of use: who asked Bricktrail for what, in the form of delivered logs, one line a request. Lines that arrive together are
 * made durable together; whoever appends goes on only then.
 */
import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, messageOf } from '../core/errors.ts'
import { systemUser } from '../core/system-user.ts'
import { VERSION } from '../core/version.ts'
import { OWN_SERVICE } from './own-actions.ts'
import { BegunChanges, syncFolder } from './own-begun.ts'
import type { OwnRecord } from './own-record.ts'
import { RefusalCounts } from './own-refusals.ts'

/** Longest text that is kept whole; nobody may fill the disk with one request. Of a longer one its digest tells what it was. */
const LONGEST_PARAM = 8000
/** A statement that ran is kept whole, however long it may be: its end matters as much as its beginning. */
const LONGEST_STATEMENT = 100_000
/** Of a text that is cut, so much of its beginning and of its end. */
const KEPT_HEAD = 6000
const KEPT_TAIL = 1500
/** Names of a query string that are kept: more than any route knows. */
const MOST_QUERY_NAMES = 60
const LONGEST_AGENT = 512

/** A new file from then on, so that none grows without end. */
const FILE_BYTES = 64 * 1024 * 1024

/** A change is refused where less is free: its record might not fit. */
const LEAST_FREE_BYTES = 1024 * 1024

/** Owner only: searches name people. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Names under which secrets are sent; their values are in no record. */
const SECRET_NAMES =
  /^(token|secret|password|passwd|authorization|cookie|csrf|x-csrf-token|client_secret|id_token|access_token)$/i
/** Secrets of signing in alone: elsewhere they are the state of an alert, or so. */
const SIGN_IN_NAMES = /^(code|state)$/i
/** Below this one signs in. */
export const SIGN_IN_PATH = '/auth/'

/** What a token looks like, wherever somebody typed it. */
const TOKEN_TEXT = /bt[kl]_[A-Za-z0-9_-]{20,}/g

interface Waiting {
  readonly line: string
  readonly done: () => void
  readonly failed: (cause: AppError) => void
}

interface OpenFile {
  readonly day: string
  readonly handle: FileHandle
  size: number
}

/** The record of use of one process. */
export class OwnLog {
  readonly #folder: string
  readonly #now: () => Date
  readonly #begun: BegunChanges
  readonly #refusals: RefusalCounts
  #waiting: Waiting[] = []
  #file: OpenFile | undefined
  #opening: Promise<OpenFile> | undefined
  #writing: Promise<void> | undefined
  #written = 0
  #isClosed = false

  /** Touches no disk before the first record. */
  constructor(folder: string, now: () => Date) {
    this.#folder = folder
    this.#now = now
    this.#begun = new BegunChanges(`${folder}-begun`)
    this.#refusals = new RefusalCounts(now, (record) => this.append(record))
  }

  /** Records written since the start. */
  get written(): number {
    return this.#written
  }

  /**
   * Appends a record; it is durable when this resolves.
   * @throws AppError NOT_RECORDED
   */
  async append(record: OwnRecord): Promise<void> {
    await this.#append(lineOf(record))
    await this.#begun.end(record.requestId)
  }

  /**
   * Appends a refusal of somebody whom nobody knows, or who asks too often; of many, a record says how many there were.
   * @throws AppError NOT_RECORDED
   */
  async refused(record: OwnRecord): Promise<void> {
    const told = this.#refusals.toTell(record)
    if (told === undefined) return
    try {
      await this.append(told)
    } catch (cause) {
      this.#refusals.missed(record)
      throw cause
    }
  }

  /**
   * Keeps what is about to be changed, without an outcome. If its record is never appended, because the process ends or the disk fails in
   * between, the next start tells it.
   * @throws AppError NOT_RECORDED
   */
  async begin(change: OwnRecord): Promise<void> {
    try {
      await this.#begun.begin(change.requestId, lineOf({ ...change, status: 500, error: CUT_OFF }))
    } catch (cause) {
      throw unrecorded(messageOf(cause), cause)
    }
  }

  /** Records the changes that were cut off before this start; called once, by the one service of a home. Returns how many. */
  async recover(): Promise<number> {
    const left = await this.#begun.cutOff()
    for (const { id, line } of left) {
      if (line.endsWith('\n')) await this.#append(line)
      await this.#begun.end(id)
    }
    return left.length
  }

  #append(line: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(unrecorded('the server is stopping'))
    return new Promise((done, failed) => {
      this.#waiting.push({ line, done, failed })
      this.#writing ??= this.#writeAll()
    })
  }

  /**
   * Resolves if a record could be written now. Asked before something is changed, since a change is not taken back.
   * @throws AppError NOT_RECORDED
   */
  async ready(): Promise<void> {
    try {
      // Only a writing leaves a file for the next: it may be in the middle of it.
      if (this.#file === undefined) await this.#current()
      const { bavail, bsize } = await statfs(this.#folder)
      if (bavail * bsize < LEAST_FREE_BYTES) throw new Error('the disk is full')
    } catch (cause) {
      throw unrecorded(messageOf(cause), cause)
    }
  }

  /** Writes what waits and closes the file. */
  async close(): Promise<void> {
    const counts = this.#isClosed ? undefined : this.#refusals.close()
    this.#isClosed = true
    await counts
    await this.#writing
    await this.#opening?.catch(() => undefined)
    await this.#file?.handle.close()
    this.#file = undefined
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const taken = this.#waiting
      this.#waiting = []
      try {
        await this.#write(Buffer.from(taken.map(({ line }) => line).join('')))
        this.#written += taken.length
        for (const { done } of taken) done()
      } catch (cause) {
        const failure = unrecorded(messageOf(cause), cause)
        for (const { failed } of taken) failed(failure)
      }
    }
    // At once with finding nothing more: what is appended from now on begins a writing of its own.
    this.#writing = undefined
  }

  async #write(bytes: Buffer): Promise<void> {
    const file = await this.#current()
    try {
      let offset = 0
      while (offset < bytes.length) {
        const { bytesWritten } = await file.handle.write(bytes, offset, bytes.length - offset, file.size + offset)
        offset += bytesWritten
      }
      await file.handle.datasync()
      file.size += bytes.length
    } catch (cause) {
      await this.#giveUp(file)
      throw cause
    }
  }

  /** Half a line would be a reject later; where it cannot be cut off, the next record begins a file of its own. */
  async #giveUp(file: OpenFile): Promise<void> {
    this.#file = undefined
    await file.handle.truncate(file.size).catch(() => undefined)
    await file.handle.close().catch(() => undefined)
  }

  /** The file of today. Several may ask at once, of whom one opens it. */
  #current(): Promise<OpenFile> {
    const day = this.#now().toISOString().slice(0, 10)
    const file = this.#file
    if (file !== undefined && file.day === day && file.size < FILE_BYTES) return Promise.resolve(file)
    this.#opening ??= this.#next(day).finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #next(day: string): Promise<OpenFile> {
    const before = this.#file
    const opened = { day, handle: await openFile(join(this.#folder, `date=${day}`), this.#now()), size: 0 }
    this.#file = opened
    await before?.handle.close()
    return opened
  }
}

/** What is known of a change that was cut off. */
const CUT_OFF = 'ENGINE: the process ended, or the record failed, before the outcome was written; it may have been done'

const lineOf = (record: OwnRecord): string => `${JSON.stringify(deliveryRecord(record))}\n`

const unrecorded = (why: string, cause?: unknown): AppError =>
  new AppError('NOT_RECORDED', `The record of use cannot be written: ${why}.`, cause === undefined ? {} : { cause })

async function openFile(folder: string, now: Date): Promise<FileHandle> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
  const start = now.toISOString().replace(/[-:.]/g, '')
  for (let n = 1; ; n++) {
    const path = join(folder, `bricktrail-${start}${n === 1 ? '' : `-${n}`}.json`)
    try {
      const file = await open(path, 'wx', FILE_MODE)
      await syncFolder(folder)
      return file
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    }
  }
}

/** The record of what is done on the machine of the home, by whoever may use its files or by the service itself. */
export const localRecord = (
  done: Pick<OwnRecord, 'time' | 'action' | 'params'> & { readonly who: string; readonly program: string },
): OwnRecord => ({
  time: done.time,
  action: done.action,
  requestId: randomUUID(),
  who: { name: done.who, id: `local:${done.who}`, sessionId: 'local' },
  address: '127.0.0.1',
  userAgent: `${done.program}/${VERSION}`,
  // Whatever name was given: the system knows who it was.
  params: { ...done.params, system_user: systemUser() },
  status: 200,
})

/** A record in the form of delivered logs (JSON 2.0). */
export function deliveryRecord(record: OwnRecord): Record<string, unknown> {
  return {
    version: '2.0',
    auditLevel: 'ACCOUNT_LEVEL',
    timestamp: record.time.getTime(),
    accountId: OWN_SERVICE,
    workspaceId: '0',
    sourceIPAddress: record.address,
    userAgent: cut(record.userAgent, LONGEST_AGENT),
    ...(record.who === undefined ? {} : { sessionId: record.who.sessionId }),
    userIdentity: { email: record.who?.name ?? 'unknown', subjectName: record.who?.id ?? null },
    serviceName: OWN_SERVICE,
    actionName: record.action,
    requestId: record.requestId,
    requestParams: recordedParams(record.params, record.query, record.isRefused),
    response: { statusCode: record.status, errorMessage: record.error ?? null, result: null },
  }
}

/**
 * Parameters as a record keeps them: texts of bounded length, and no secret. Those of the query come last and in no other's place, or
 * whoever asks could crowd out what matters.
 */
export function recordedParams(
  params: Readonly<Record<string, unknown>>,
  query: Readonly<Record<string, unknown>> = {},
  isRefused = false,
): Record<string, string> {
  const isSignIn = typeof params.path === 'string' && params.path.startsWith(SIGN_IN_PATH)
  const isSecret = (name: string) => SECRET_NAMES.test(name) || (isSignIn && SIGN_IN_NAMES.test(name))
  const own = told(params, isSecret)
  const more = told(query, isSecret).filter(([name]) => !Object.hasOwn(params, name))
  return Object.fromEntries(
    [...own, ...more.slice(0, MOST_QUERY_NAMES)].map(([name, value]) => [
      cut(name, LONGEST_AGENT),
      bounded(textOf(value), name === 'sql' && !isRefused ? LONGEST_STATEMENT : LONGEST_PARAM),
    ]),
  )
}

const told = (params: Readonly<Record<string, unknown>>, isSecret: (name: string) => boolean): [string, unknown][] =>
  Object.entries(params).filter(
    ([name, value]) => value !== undefined && value !== null && value !== '' && !isSecret(name),
  )

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(withoutSecrets(value)))

const withoutSecrets = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(withoutSecrets)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value).flatMap(([name, each]) =>
            SECRET_NAMES.test(name) ? [] : [[name, withoutSecrets(each)]],
          ),
        )
      : value

/** What looks like a token is cut out, and its digest stays: whoever hides something else so can be held to it. */
const withoutTokens = (text: string): string => text.replace(TOKEN_TEXT, removed).toWellFormed()

const DIGEST_DIGITS = 16

const removed = (match: string): string => {
  const digest = createHash('sha256').update(match).digest('hex').slice(0, DIGEST_DIGITS)
  return `${match.slice(0, 'btk_'.length)}[removed, SHA-256 ${digest}]`
}

const cut = (text: string, longest: number): string => {
  const clean = withoutTokens(text)
  return clean.length <= longest ? clean : `${clean.slice(0, longest).toWellFormed()}…`
}

/** A text, or its beginning, its end, its length and its digest: what was left out in between can be told again, but not denied. */
const bounded = (text: string, longest: number): string => {
  const clean = withoutTokens(text)
  if (clean.length <= longest) return clean
  const [head, tail] = [clean.slice(0, KEPT_HEAD).toWellFormed(), clean.slice(-KEPT_TAIL).toWellFormed()]
  const digest = createHash('sha256').update(clean).digest('hex')
  return `${head}… [${clean.length} characters, SHA-256 ${digest}] …${tail}`
}
