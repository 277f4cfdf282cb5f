/** All of a person, a principal, a thing or an address on one page. */
import { upperFirst } from '@mantine/hooks'
import type { Entity, EntityKind } from '../../../src/serve/shapes/entities.ts'
import { PageHead } from '../parts/panel.tsx'
import { Plain } from '../parts/plain.tsx'
import { Empty, StateOf } from '../parts/state-of.tsx'
import { type Span, TimeRangePicker } from '../parts/time-range.tsx'
import { lastPart } from '../path-part.ts'
import { useAsk } from '../queries/ask.ts'
import { useUrlState } from '../url-state.ts'
import { EntityFigures } from './entity/entity-figures.tsx'
import { type EntityPlace, placeOf } from './entity/entity-links.ts'
import { EntityParts } from './entity/entity-parts.tsx'
import './entity/entity.css'

const KINDS: readonly EntityKind[] = ['actor', 'target', 'ip']

/** The page of an entity. */
export default function EntityPage({ params }: { readonly params: Readonly<Record<string, string | undefined>> }) {
  const kind = KINDS.find((each) => each === params.kind)
  const id = lastPart()
  if (kind === undefined || id === '')
    return (
      <div className="page">
        <Empty title="There is no such kind of thing" icon="explorer">
          Pages are of actors, targets and IP addresses.
        </Empty>
      </div>
    )
  return <Shown key={`${kind} ${id}`} kind={kind} id={id} />
}

function Shown({ kind, id }: { readonly kind: EntityKind; readonly id: string }) {
  const [params, change] = useUrlState()
  const span: Span = { from: params.get('from'), to: params.get('to') }
  const query = useAsk<Entity>(
    `/entities/${kind}/${encodeURIComponent(id)}`,
    { from: span.from, to: span.to },
    { keepPrevious: true },
  )
  const type = query.data?.type ?? null
  return (
    <div className="page">
      <PageHead title={<Plain text={id} />} note={KIND_WORDS[kind](type)}>
        <TimeRangePicker span={span} onChange={({ from, to }) => change({ from, to })} />
      </PageHead>
      {query.error?.status === 404 ? (
        <Nothing />
      ) : (
        <StateOf query={query} lines={12} empty={({ events }) => events === 0} whenEmpty={<Nothing />}>
          {(entity) => <Whole entity={entity} place={placeOf(entity, span)} />}
        </StateOf>
      )}
    </div>
  )
}

const KIND_WORDS: Readonly<Record<EntityKind, (type: string | null) => string>> = {
  actor: (type) => (type === null || type === 'unknown' ? 'Actor' : upperFirst(type.replaceAll('_', ' '))),
  target: (type) => (type === null ? 'Target' : upperFirst(type.replaceAll('_', ' '))),
  ip: () => 'IP address',
}

const Nothing = () => (
  <Empty title="No events in this time" icon="explorer">
    Choose a longer time, or look whether the name is written as it is in the log.
  </Empty>
)

function Whole({ entity, place }: { readonly entity: Entity; readonly place: EntityPlace }) {
  return (
    <div className="entity">
      <EntityFigures entity={entity} place={place} />
      <EntityParts entity={entity} place={place} />
    </div>
  )
}
