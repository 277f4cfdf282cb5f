/** `bricktrail incidents`: actors and assets whose risk added up, with all that it is made of. */
import { addDeeds } from '../alert-deeds.ts'
import { type ListFlags, list, show, withListOptions } from '../alerting.ts'
import type { RegisterCommand } from '../contract.ts'

/** Adds `incidents` and its commands. */
export const registerIncidents: RegisterCommand = (program, cli) => {
  const incidents = program
    .command('incidents')
    .description('list actors and assets whose risk added up to an incident, and say what it was')
  withListOptions(incidents.command('list').description('list open incidents, the most severe first')).action(
    (flags: ListFlags) => list(cli, 'incident', flags),
  )
  incidents
    .command('show')
    .description('show one incident with its timeline, tactics, alerts and history')
    .argument('<id>', 'the first digits of its id')
    .action((id: string) => show(cli, 'incident', id))
  addDeeds(incidents, cli, 'incident')
}
