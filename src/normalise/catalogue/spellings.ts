/** Every way an action may be spelled in a log. */
import { type ActionEntry, once, services } from './catalogue.ts'

/** A service and action as they may stand in a record. */
export interface Spelling {
  readonly service: string
  readonly action: string
}

const serviceAliases = once(() => new Map(services().map(({ service, aliases }) => [service, aliases])))

/** Spellings of an entry, the usual one first: its service and that service's aliases, with its action and the aliases. */
export function spellings(entry: ActionEntry): readonly Spelling[] {
  const aliases = serviceAliases().get(entry.service) ?? []
  return [entry.service, ...aliases].flatMap((service) =>
    [entry.action, ...entry.aliases].map((action) => ({ service, action })),
  )
}
