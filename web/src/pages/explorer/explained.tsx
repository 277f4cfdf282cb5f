/** Who, what, to what, from where, how it ended; and where the record of it comes from. */
import { Anchor, Group, Tooltip, UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'
import type { EventDetail } from '../../../../src/serve/shapes/events.ts'
import { urlOf } from '../../api.ts'
import { Icon } from '../../parts/icon.tsx'
import { KeyValue } from '../../parts/key-value.tsx'
import { Plain } from '../../parts/plain.tsx'
import { EntityLink, TimeText } from '../../parts/small.tsx'
import { useMay } from '../../queries/session.ts'
import { term } from '../../url-state.ts'
import { listOf, textOf } from './fields.ts'

type OnPart = (part: string) => void

/** The event in words. */
export function Explained({ detail, onPart }: { readonly detail: EventDetail; readonly onPart: OnPart }) {
  const { event, explanation, provenance, seal } = detail
  const actor = textOf(event, 'actor.email') ?? textOf(event, 'actor.name') ?? textOf(event, 'actor.id')
  const ip = textOf(event, 'source_ip')
  return (
    <>
      <KeyValue
        rows={[
          ['Who', <Line key="who" words={explanation.who} kind="actor" id={actor} part="actor" onPart={onPart} />],
          [
            'What',
            <Line key="what" words={explanation.what} id={textOf(event, 'action')} part="action" onPart={onPart} />,
          ],
          ['To what', targetsOf(detail, onPart)],
          [
            'From where',
            explanation.fromWhere === null ? null : (
              <Line key="from" words={explanation.fromWhere} kind="ip" id={ip} part="ip" onPart={onPart} />
            ),
          ],
          ['Outcome', <Plain key="outcome" text={explanation.outcome} />],
          ['With', textRow(event, 'user_agent')],
          ['Workspace', partRow(textOf(event, 'workspace_id'), 'workspace', onPart)],
          ['Session', partRow(textOf(event, 'session_id'), 'session', onPart)],
          ['Request', partRow(textOf(event, 'request_id'), 'request', onPart)],
        ]}
      />
      {explanation.catalogue === null ? null : (
        <p className="detail-note">
          <Plain text={explanation.catalogue.description} /> <span className="quiet">(catalogue: </span>
          <span className="quiet">
            <Plain text={explanation.catalogue.evidence} />)
          </span>
        </p>
      )}
      <h3 className="detail-heading">Where the record comes from</h3>
      <KeyValue
        rows={[
          ['Source', provenance.source === null ? null : <Plain text={provenance.source} />],
          ['Object', provenance.object === null ? null : <Plain text={provenance.object} />],
          ['Received', provenance.received === null ? null : <TimeText iso={provenance.received} />],
          ['Committed', provenance.ingested === null ? null : <TimeText iso={provenance.ingested} />],
          ['Batch', provenance.batch === null ? null : <Plain text={provenance.batch} />],
          ['Form of log', provenance.form === null ? null : <Plain text={provenance.form} />],
        ]}
      />
      <Proof id={detail.id} seal={seal} />
    </>
  )
}

function Proof({ id, seal }: { readonly id: string; readonly seal: EventDetail['seal'] }) {
  const may = useMay('seal:read')
  return (
    <div className="detail-proof">
      <Icon name="integrity" />
      {seal === null || seal.leaf === null ? (
        <span>Not sealed yet: the next checkpoint will cover it.</span>
      ) : (
        <span>
          Sealed as leaf <strong>{seal.leaf}</strong> of the log.{' '}
          {may ? (
            <Anchor href={urlOf(`/events/${encodeURIComponent(id)}/proof`)} download inherit>
              Download the proof
            </Anchor>
          ) : null}
        </span>
      )}
    </div>
  )
}

/** Words with a link to the page of what they name, and a way to search for it. */
function Line({
  words,
  id,
  kind,
  part,
  onPart,
}: {
  readonly words: string
  readonly id: string | null
  readonly kind?: 'actor' | 'ip'
  readonly part: string
  readonly onPart: OnPart
}) {
  return (
    <WithParts part={part} value={id} onPart={onPart}>
      {kind === undefined || id === null ? (
        <Plain text={words} />
      ) : (
        <EntityLink kind={kind} id={id}>
          <Plain text={words} />
        </EntityLink>
      )}
    </WithParts>
  )
}

function targetsOf({ event, explanation }: EventDetail, onPart: OnPart): ReactNode {
  const targets = listOf(event, 'targets')
  if (targets.length === 0) return explanation.toWhat === null ? null : <Plain text={explanation.toWhat} />
  return (
    <ul className="detail-targets">
      {targets.map((target) => {
        const id = textOf(target, 'name') ?? textOf(target, 'id')
        const more = [textOf(target, 'principal'), textOf(target, 'privilege')].filter((each) => each !== null)
        return (
          <li key={JSON.stringify(target)}>
            <WithParts part="target" value={id} onPart={onPart}>
              <span className="quiet">
                <Plain text={textOf(target, 'type') ?? ''} />{' '}
              </span>
              <EntityLink kind="target" id={id} />
              {more.length === 0 ? null : (
                <span className="quiet">
                  {' '}
                  (<Plain text={more.join(': ')} />)
                </span>
              )}
            </WithParts>
          </li>
        )
      })}
    </ul>
  )
}

const textRow = (event: EventDetail['event'], path: string): ReactNode => {
  const text = textOf(event, path)
  return text === null ? null : <Plain text={text} />
}

const partRow = (value: string | null, part: string, onPart: OnPart): ReactNode =>
  value === null ? null : (
    <WithParts part={part} value={value} onPart={onPart}>
      <Plain text={value} />
    </WithParts>
  )

function WithParts({
  part,
  value,
  onPart,
  children,
}: {
  readonly part: string
  readonly value: string | null
  readonly onPart: OnPart
  readonly children: ReactNode
}) {
  return (
    <Group gap={4} wrap="nowrap" align="flex-start" justify="space-between">
      <span>{children}</span>
      {value === null ? null : (
        <span className="detail-parts">
          <PartButton label={`Only this ${part}`} icon="plus" onClick={() => onPart(term(part, value))} />
          <PartButton label={`Leave out this ${part}`} icon="minus" onClick={() => onPart(term(part, value, true))} />
        </span>
      )}
    </Group>
  )
}

function PartButton({
  label,
  icon,
  onClick,
}: {
  readonly label: string
  readonly icon: 'plus' | 'minus'
  readonly onClick: () => void
}) {
  return (
    <Tooltip label={label}>
      <UnstyledButton className="part-button" aria-label={label} onClick={onClick}>
        <Icon name={icon} size={12} />
      </UnstyledButton>
    </Tooltip>
  )
}
