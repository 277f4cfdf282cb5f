/** Notices what is added to the lake, by whomever: the loop, or a command beside it. */
import type { Home } from '../core/home.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../lake/table.ts'
import { Turns } from './turns.ts'
import type { ServiceChange } from './view.ts'

/** A table at the version that was seen last. */
interface Seen {
  readonly table: DeltaTable
  version: number
  rows: number
}

/** Looks at the tables of a home. */
export class LakeWatch {
  readonly #events: Seen
  readonly #rejects: Seen
  readonly #findings: Seen
  readonly #onChange: (change: ServiceChange) => void
  readonly #turns = new Turns()
  #isFirst = true
  /** Events of the record of use that were added and not told of. */
  #own = 0

  constructor(home: Home, onChange: (change: ServiceChange) => void) {
    const seen = (table: DeltaTable): Seen => ({ table, version: -1, rows: 0 })
    this.#events = seen(DeltaTable.at(home.events, EVENTS_TABLE))
    this.#rejects = seen(DeltaTable.at(home.rejects, REJECTS_TABLE))
    this.#findings = seen(DeltaTable.at(home.findings, FINDINGS_TABLE))
    this.#onChange = onChange
  }

  /** True once there are events. */
  get hasEvents(): boolean {
    return this.#events.rows > 0
  }

  /** Tells of what is new since the last look. Merged files hold nothing new. */
  look(): Promise<void> {
    return this.#turns.next(async () => {
      const rejects = await grown(this.#rejects)
      const added = await grown(this.#events)
      const findings = await grown(this.#findings)
      const isFirst = this.#isFirst
      this.#isFirst = false
      const own = Math.min(this.#own, Math.max(0, added))
      this.#own = 0
      if (isFirst) return
      if (added !== 0 || rejects !== 0)
        this.#onChange({ kind: 'events', added, own, rejects, version: this.#events.version })
      if (findings !== 0) this.#onChange({ kind: 'findings', added: findings })
    })
  }

  /** Takes in some of the record of use: nobody looks meanwhile, so that what it adds is known to be of that when it is told of. */
  takeOwn<T extends { readonly report: { readonly events: number } }>(take: () => Promise<T>): Promise<T> {
    return this.#turns.next(async () => {
      const taken = await take()
      this.#own += taken.report.events
      return taken
    })
  }

  /** Days of a table that have at least so many files smaller than `bytes`. */
  async crowdedDays(files: number, bytes: number): Promise<number> {
    let days = 0
    for (const { table } of [this.#events, this.#rejects, this.#findings]) {
      const small = (await table.snapshot()).files.filter(({ sizeBytes }) => sizeBytes < bytes)
      for (const each of Map.groupBy(small, ({ partition }) => partition).values()) if (each.length >= files) days += 1
    }
    return days
  }
}

/** Rows added since the last look; fewer where the table was put back. */
async function grown(seen: Seen): Promise<number> {
  const { version, files } = await seen.table.snapshot()
  if (version === seen.version) return 0
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  const added = rows - seen.rows
  seen.version = version
  seen.rows = rows
  return added
}
