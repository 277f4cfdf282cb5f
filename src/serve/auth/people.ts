/** People who signed in by an OpenID provider, and what they may. */
import { AppError } from '../../core/errors.ts'
import type { Role } from '../contract.ts'
import type { PersonRow } from '../shapes/access.ts'
import type { AccessFile } from './access-file.ts'
import type { Sessions } from './sessions.ts'

/** A person as they are kept. */
export interface KeptPerson {
  /** `<issuer>#<subject>`. */
  readonly id: string
  readonly name: string
  readonly email: string | null
  readonly role: Role | null
  readonly role_from: PersonRow['from']
  readonly last_sign_in_ms: number | null
}

/** What the provider told of a person. */
export interface SignedIn {
  readonly id: string
  readonly name: string
  readonly email: string | null
  /** What settings and groups say; null for nothing. */
  readonly role: Role | null
  readonly from: 'settings' | 'group'
}

/** Who holds a person's sessions. */
export const holderOf = (personId: string): string => `person:${personId}`

/** The people of a home. */
export class People {
  readonly #file: AccessFile
  readonly #sessions: Sessions
  readonly #now: () => Date

  constructor(file: AccessFile, sessions: Sessions, now: () => Date) {
    this.#file = file
    this.#sessions = sessions
    this.#now = now
  }

  /** Notes a sign-in. A role that somebody was given here stays; else what settings and groups say now counts. */
  signedIn(person: SignedIn): KeptPerson {
    this.#file.run(
      `INSERT INTO people (id, name, email, role, role_from, last_sign_in_ms) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, last_sign_in_ms = excluded.last_sign_in_ms,
         role = CASE WHEN people.role_from = 'given' THEN people.role ELSE excluded.role END,
         role_from = CASE WHEN people.role_from = 'given' THEN 'given' ELSE excluded.role_from END`,
      person.id,
      person.name,
      person.email,
      person.role,
      person.from,
      this.#now().getTime(),
    )
    return this.named(person.id)
  }

  /** Gives a role by hand, or takes it away; it holds whatever the provider says later. @throws AppError NOT_FOUND */
  give(id: string, role: Role | null): PersonRow {
    const changed = this.#file.run("UPDATE people SET role = ?, role_from = 'given' WHERE id = ?", role, id)
    if (changed === 0) throw new AppError('NOT_FOUND', 'There is no such person.')
    return this.shown(this.named(id))
  }

  /** Ends the sessions of those whose role settings or groups decided: they sign in again, as what they are now. Returns how many. */
  endDecidedElsewhere(): number {
    return this.#file.run(
      "DELETE FROM sessions WHERE holder IN (SELECT 'person:' || id FROM people WHERE role_from <> 'given')",
    )
  }

  /** A person by their id. @throws AppError NOT_FOUND */
  named(id: string): KeptPerson {
    const person = this.find(id)
    if (person === undefined) throw new AppError('NOT_FOUND', 'There is no such person.')
    return person
  }

  /** A person by their id. */
  find(id: string): KeptPerson | undefined {
    return this.#file.get<KeptPerson>('SELECT * FROM people WHERE id = ?', id)
  }

  /** Everybody, by name. */
  list(): PersonRow[] {
    return this.#file.all<KeptPerson>('SELECT * FROM people ORDER BY name, id').map((person) => this.shown(person))
  }

  /** As they are shown. */
  shown(person: KeptPerson): PersonRow {
    return {
      id: person.id,
      name: person.name,
      email: person.email,
      role: person.role,
      from: person.role_from,
      lastSignIn: person.last_sign_in_ms === null ? null : new Date(person.last_sign_in_ms).toISOString(),
      sessions: this.#sessions.countOf(holderOf(person.id)),
    }
  }
}
