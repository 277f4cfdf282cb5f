/** Objects of a source that could not be read. Each look tries them again, and what can be read does not wait for them. */
import { lstat, open } from 'node:fs/promises'
import type { SourceObject } from '../collect/contract.ts'
import { AppError, messageOf } from '../core/errors.ts'

/** What breaks while it is read, though it can be opened, is read again after so long, doubled each time … */
const FIRST_WAIT_MS = 1000
/** … up to this: reading costs more than a look. */
const LONGEST_WAIT_MS = 5 * 60_000

interface Known {
  readonly object: SourceObject
  readonly fault: AppError
  /** False where it cannot even be opened, which is cheap to try. */
  readonly isOpened: boolean
  readonly failures: number
  /** Unix ms; for what can be opened. */
  readonly againMs: number
}

/** What of one source could not be read. */
export class Unreadable {
  #known = new Map<string, Known>()

  /** Objects of a look that are worth taking: all but those that failed before and would do so again. */
  async worthTaking(fresh: readonly SourceObject[], nowMs: number): Promise<SourceObject[]> {
    const before = this.#known
    this.#known = new Map()
    const worth: SourceObject[] = []
    for (const object of fresh) {
      const known = before.get(object.key)
      if (known === undefined || (await this.#isWorth(object, known, nowMs))) worth.push(object)
      // How often it failed is kept for the case that it does again.
      if (known !== undefined && worth.at(-1) === object) this.#known.set(object.key, known)
    }
    return worth
  }

  async #isWorth(object: SourceObject, known: Known, nowMs: number): Promise<boolean> {
    const fault = await faultOf(object)
    if (fault === 'gone') return false
    const failures = known.failures + 1
    if (fault !== undefined) this.#known.set(object.key, { ...known, object, fault, isOpened: false, failures })
    else if (known.isOpened && isSame(object, known.object) && nowMs < known.againMs) this.#known.set(object.key, known)
    else return true
    return false
  }

  /** Takes note of what came of a piece: the messages of what could not be read, by object. */
  async tried(piece: readonly SourceObject[], messages: ReadonlyMap<string, string>, nowMs: number): Promise<void> {
    for (const object of piece) {
      const message = messages.get(object.key)
      const found = message === undefined ? 'gone' : await faultOf(object)
      const failures = (this.#known.get(object.key)?.failures ?? 0) + 1
      if (found === 'gone' || message === undefined) {
        this.#known.delete(object.key)
        continue
      }
      const fault = found ?? new AppError('UNREADABLE', message, { where: object.key })
      const againMs = nowMs + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(30, failures - 1))
      this.#known.set(object.key, { object, fault, isOpened: found === undefined, failures, againMs })
    }
  }

  /** The fewest failures in a row of any of them; undefined where there are none. */
  get fewestFailures(): number | undefined {
    const counts = [...this.#known.values()].map(({ failures }) => failures)
    return counts.length === 0 ? undefined : counts.reduce((a, b) => Math.min(a, b))
  }

  /** What to tell of all of them; undefined where there are none. */
  fault(): AppError | undefined {
    const [first] = this.#known.values()
    if (first === undefined || this.#known.size === 1) return first?.fault
    const { message, hint, where = '' } = first.fault
    return new AppError('UNREADABLE', `${this.#known.size} files cannot be read, such as this: ${message}`, {
      hint,
      where,
    })
  }
}

const isSame = (a: SourceObject, b: SourceObject): boolean =>
  a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs

/** Why an object cannot be opened; `gone` where it is not there any more, undefined where it can be. */
async function faultOf({ key, path }: SourceObject): Promise<AppError | 'gone' | undefined> {
  try {
    const file = await open(path, 'r')
    await file.close()
    return undefined
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' && !(await isThere(path))) return 'gone'
    const { says, hint } = wordsOf(code, cause)
    return new AppError('UNREADABLE', `${key} cannot be read: ${says}`, {
      where: key,
      cause,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )

const MEANWHILE = 'the other files of the source are taken in meanwhile.'

/** What a failure to open says, and what mends it. */
export function wordsOf(code: string | undefined, cause: unknown): { readonly says: string; readonly hint?: string } {
  if (code === 'ENOENT')
    return {
      says: 'it is a link to something that is not there.',
      hint: `Put back what the link names, or remove the link; ${MEANWHILE}`,
    }
  if (code === 'ELOOP')
    return { says: 'it is a link that leads back to itself.', hint: `Remove or mend the link; ${MEANWHILE}` }
  if (code === 'EACCES' || code === 'EPERM')
    return {
      says: `the account that runs Bricktrail has no permission (${code}).`,
      hint: `Let that account read it, and enter the folders above it; ${MEANWHILE}`,
    }
  return { says: messageOf(cause) }
}
