/** Searches that people keep: their own, and those that others share. */
import { AppError } from '../../core/errors.ts'
import type { Principal } from '../contract.ts'
import type { SavedSearch } from '../shapes/access.ts'
import type { AccessFile } from './access-file.ts'
import { newId } from './secret.ts'

/** Nobody needs more, and nobody may fill the disk. */
const MOST_OF_ONE = 500

/** A search to keep, after its defaults. */
export interface SearchWish {
  readonly name: string
  readonly q: string
  readonly from: string | null
  readonly to: string | null
  readonly shared: boolean
}

interface KeptSearch {
  readonly id: string
  readonly name: string
  readonly q: string
  readonly from_text: string | null
  readonly to_text: string | null
  readonly owner: string
  readonly owner_name: string
  readonly shared: number
  readonly created_ms: number
}

/** Who keeps searches: a person through all their sessions. */
const ownerOf = (principal: Principal): string => principal.id

/** The saved searches of a home. */
export class Searches {
  readonly #file: AccessFile
  readonly #now: () => Date

  constructor(file: AccessFile, now: () => Date) {
    this.#file = file
    this.#now = now
  }

  /** Those a principal sees: their own and the shared, by name. */
  list(principal: Principal): SavedSearch[] {
    return this.#file
      .all<KeptSearch>('SELECT * FROM searches WHERE owner = ? OR shared = 1 ORDER BY name, id', ownerOf(principal))
      .map(shown)
  }

  /** Keeps a search. @throws AppError CONFLICT where one keeps too many */
  keep(principal: Principal, wish: SearchWish): SavedSearch {
    const owner = ownerOf(principal)
    const count = this.#file.get<{ n: number }>('SELECT count(*) AS n FROM searches WHERE owner = ?', owner)
    if ((count?.n ?? 0) >= MOST_OF_ONE)
      throw new AppError('CONFLICT', `You keep ${MOST_OF_ONE} searches already.`, {
        hint: 'Delete some of them first.',
      })
    const id = newId()
    this.#file.run(
      'INSERT INTO searches (id, name, q, from_text, to_text, owner, owner_name, shared, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      id,
      wish.name,
      wish.q,
      wish.from,
      wish.to,
      owner,
      principal.name,
      wish.shared ? 1 : 0,
      this.#now().getTime(),
    )
    return shown(this.#named(id))
  }

  /**
   * Forgets a search: one's own, or any shared one by whoever gives access.
   * @throws AppError NOT_FOUND, also for what somebody else keeps for themselves
   */
  forget(principal: Principal, id: string): void {
    const search = this.#file.get<KeptSearch>('SELECT * FROM searches WHERE id = ?', id)
    const mayForget =
      search !== undefined &&
      (search.owner === ownerOf(principal) || (search.shared === 1 && principal.permissions.has('access:change')))
    if (!mayForget) throw new AppError('NOT_FOUND', `You keep no search ${id}.`)
    this.#file.run('DELETE FROM searches WHERE id = ?', id)
  }

  #named(id: string): KeptSearch {
    const search = this.#file.get<KeptSearch>('SELECT * FROM searches WHERE id = ?', id)
    if (search === undefined) throw new AppError('NOT_FOUND', `There is no search ${id}.`)
    return search
  }
}

const shown = (search: KeptSearch): SavedSearch => ({
  id: search.id,
  name: search.name,
  q: search.q,
  from: search.from_text,
  to: search.to_text,
  owner: search.owner_name,
  shared: search.shared === 1,
  created: new Date(search.created_ms).toISOString(),
})
