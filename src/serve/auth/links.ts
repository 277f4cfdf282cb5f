/** One-time links: whoever may use the command line on the home may sign in by one, once, within ten minutes. */
import type { Role } from '../contract.ts'
import type { AccessFile } from './access-file.ts'
import { checkIsNoAddress } from './names.ts'
import { kept, newSecret, rowOf } from './secret.ts'

const LINK_PREFIX = 'btl_'
const LIFE_MS = 10 * 60_000

/**
 * The holder of a link's sessions and saved searches: of each role its own, or a link of a lesser role would be as good as the greater
 * one for whatever belongs to a holder.
 */
export const linkHolder = ({ name, role }: LinkHolder): string => `link:${role}:${name}`

/** Whom a link signs in. */
export interface LinkHolder {
  readonly name: string
  readonly role: Role
}

interface KeptLink extends LinkHolder {
  readonly hash: Uint8Array
  readonly lookup: string
  readonly ends_ms: number
  readonly used_ms: number | null
}

/** The links of a home. */
export class Links {
  readonly #file: AccessFile
  readonly #now: () => Date

  constructor(file: AccessFile, now: () => Date) {
    this.#file = file
    this.#now = now
  }

  /** Makes the code of a link. @throws AppError BAD_ARGUMENT for a name that the record of use would take for a person's */
  make(holder: LinkHolder): { readonly code: string; readonly endsMs: number } {
    checkIsNoAddress(holder.name, 'The name of a link', 'Give a name, such as ana.')
    const nowMs = this.#now().getTime()
    const [code, endsMs] = [newSecret(LINK_PREFIX), nowMs + LIFE_MS]
    const { lookup, hash } = kept(code)
    this.#file.atOnce(() => {
      this.#file.run('DELETE FROM links WHERE ends_ms <= ?', nowMs)
      this.#file.run(
        'INSERT INTO links (lookup, hash, name, role, ends_ms) VALUES (?, ?, ?, ?, ?)',
        lookup,
        hash,
        holder.name,
        holder.role,
        endsMs,
      )
    })
    return { code, endsMs }
  }

  /** Whom a code would sign in; it is not used up. Undefined for one that was used, ended or never was. */
  holder(code: string): LinkHolder | undefined {
    const link = this.#kept(code)
    const counts = link !== undefined && link.used_ms === null && link.ends_ms > this.#now().getTime()
    return counts ? { name: link.name, role: link.role } : undefined
  }

  /** Takes a code, once: of two at the same time one gets it. Undefined for one that was used, ended or never was. */
  take(code: string): LinkHolder | undefined {
    const nowMs = this.#now().getTime()
    const link = this.#kept(code)
    if (link === undefined) return undefined
    const taken = this.#file.run(
      'UPDATE links SET used_ms = ? WHERE hash = ? AND used_ms IS NULL AND ends_ms > ?',
      nowMs,
      link.hash,
      nowMs,
    )
    return taken === 1 ? { name: link.name, role: link.role } : undefined
  }

  #kept(code: string): KeptLink | undefined {
    return rowOf(code, LINK_PREFIX, (lookup) =>
      this.#file.all<KeptLink>('SELECT * FROM links WHERE lookup = ?', lookup),
    )
  }
}
