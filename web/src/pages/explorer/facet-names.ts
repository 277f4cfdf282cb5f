/** Fields that events can be counted by, with what people call them. */
import type { Facet } from '../../../../src/serve/shapes/events.ts'

/** Name of a facet. */
export type FacetName = Facet

const TITLES: Readonly<Record<Facet, string>> = {
  category: 'Category',
  status: 'Outcome',
  actor: 'Actor',
  action: 'Action',
  service: 'Service',
  target: 'Target',
  ip: 'Address',
  country: 'Country',
  workspace: 'Workspace',
  client: 'Client',
  actor_type: 'Kind of actor',
  target_type: 'Kind of target',
  verb: 'Verb',
  key_event: 'Key event',
  as_org: 'Network',
  cloud: 'Cloud',
  form: 'Form of log',
}

/** In the order they are offered. */
export const FACET_NAMES = Object.keys(TITLES) as readonly Facet[]

/** What people call a facet. */
export const facetTitle = (facet: Facet): string => TITLES[facet]

/** Facets that are open until somebody chooses. */
export const USUAL_FACETS: readonly Facet[] = ['category', 'status', 'actor', 'action', 'country']
