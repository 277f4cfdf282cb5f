/** One event, whole: what it says, in words and as it was received. */
import { ActionIcon, Group, Tabs, Title, Tooltip } from '@mantine/core'
import { useState } from 'react'
import type { EventDetail, EventRow } from '../../../../src/serve/shapes/events.ts'
import { Icon } from '../../parts/icon.tsx'
import { JsonView } from '../../parts/key-value.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Copy, StatusText, TimeText } from '../../parts/small.tsx'
import { Empty, StateOf } from '../../parts/state-of.tsx'
import { useEvent, useRaw } from '../../queries/events.ts'
import { useMay } from '../../queries/session.ts'
import { numberOf } from '../../times.ts'
import { Explained } from './explained.tsx'
import { textOf } from './fields.ts'
import { FindingLinks } from './finding-links.tsx'
import { Parameters } from './parameters.tsx'
import { mostOthers, Related } from './related.tsx'
import { Reveal } from './reveal.tsx'
import './detail.css'

/** Choices of {@link Detail}. */
export interface DetailProps {
  readonly id: string
  readonly onClose: () => void
  /** Adds a part to the search. */
  readonly onPart: (part: string) => void
  readonly onOpen: (event: EventRow) => void
  /** Steps to the row above or below. */
  readonly onStep: (step: 1 | -1) => void
}

/** The pane of an event. */
export function Detail(props: DetailProps) {
  const event = useEvent(props.id)
  return (
    <aside className="detail" aria-label="Event">
      <Group className="detail-bar" justify="space-between" wrap="nowrap">
        <Group gap={2} wrap="nowrap">
          <Step label="Event above" icon="up" onClick={() => props.onStep(-1)} />
          <Step label="Event below" icon="down" onClick={() => props.onStep(1)} />
        </Group>
        <Group gap={2} wrap="nowrap">
          <span className="detail-id">
            <code>{props.id.slice(0, 12)}…</code>
            <Copy text={props.id} label="Copy the event's id" />
          </span>
          <Step label="Close" icon="close" onClick={props.onClose} />
        </Group>
      </Group>
      <div className="detail-body">
        <StateOf query={event} lines={10}>
          {(detail) => <Shown key={detail.id} detail={detail} {...props} />}
        </StateOf>
      </div>
    </aside>
  )
}

function Step({
  label,
  icon,
  onClick,
}: {
  readonly label: string
  readonly icon: 'up' | 'down' | 'close'
  readonly onClick: () => void
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} onClick={onClick}>
        <Icon name={icon} size={14} />
      </ActionIcon>
    </Tooltip>
  )
}

function Shown({ detail, onPart, onOpen }: DetailProps & { readonly detail: EventDetail }) {
  const [tab, setTab] = useState<string | null>('explained')
  const mayRaw = useMay('events:raw')
  const { event, explanation, findings } = detail
  const related = mostOthers(detail)
  const code = event.status_code
  return (
    <>
      <Group className="detail-when quiet" gap="sm">
        <TimeText iso={textOf(event, 'event_time')} as="precise" />
        <StatusText status={textOf(event, 'status')} code={typeof code === 'number' ? code : null} />
      </Group>
      <Title order={2} className="detail-title">
        <Plain text={explanation.sentence} />
      </Title>
      <FindingLinks findings={findings} />
      <Reveal detail={detail} />
      <Tabs value={tab} onChange={setTab} keepMounted={false} className="detail-tabs">
        <Tabs.List>
          <Tabs.Tab value="explained">Explained</Tabs.Tab>
          <Tabs.Tab value="parameters">Parameters</Tabs.Tab>
          <Tabs.Tab value="related">
            Related {related > 0 ? <span className="quiet">{numberOf(related)}</span> : null}
          </Tabs.Tab>
          <Tabs.Tab value="fields">All fields</Tabs.Tab>
          {mayRaw ? <Tabs.Tab value="raw">Received</Tabs.Tab> : null}
        </Tabs.List>
        <Tabs.Panel value="explained" pt="sm">
          <Explained detail={detail} onPart={onPart} />
        </Tabs.Panel>
        <Tabs.Panel value="parameters" pt="sm">
          <Parameters event={event} />
        </Tabs.Panel>
        <Tabs.Panel value="related" pt="sm">
          <Related detail={detail} onOpen={onOpen} onPart={onPart} />
        </Tabs.Panel>
        <Tabs.Panel value="fields" pt="sm">
          <JsonView value={event} label="All fields" />
        </Tabs.Panel>
        <Tabs.Panel value="raw" pt="sm">
          <Raw id={detail.id} />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}

/** The bytes that were received, as text. */
function Raw({ id }: { readonly id: string }) {
  const raw = useRaw(id)
  return (
    <StateOf
      query={raw}
      empty={(text) => text === ''}
      whenEmpty={<Empty title="Nothing was kept of what was received" icon="info" />}
    >
      {(text) => (
        <>
          <Group justify="flex-end">
            <Copy text={text} label="Copy what was received" />
          </Group>
          <JsonView value={text} label="What was received" />
        </>
      )}
    </StateOf>
  )
}
