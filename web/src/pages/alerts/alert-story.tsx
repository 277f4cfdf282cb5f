/** What happened, in what order: findings, the timeline of an incident, and what people did. */
import { Anchor, Collapse, Timeline, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import type { AlertDetail, FindingDetail } from '../../../../src/serve/shapes/alerts.ts'
import { EventLines } from '../../parts/event-lines.tsx'
import { Icon } from '../../parts/icon.tsx'
import { KeyValue } from '../../parts/key-value.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { IdText, Tag, TimeText } from '../../parts/small.tsx'
import { Empty, StateOf } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'
import { AlertLines } from './alert-lines.tsx'
import { eventsOfFinding, withoutTitle } from './alert-links.ts'
import { useFinding, useFindingEvents } from './alert-queries.ts'

type FindingLine = AlertDetail['findingList'][number]

/** The findings of an alert; each opens to its reasons and its events. */
export function Findings({ alert }: { readonly alert: AlertDetail }) {
  if (alert.findingList.length === 0) return null
  return (
    <Panel title="Findings" note={`${numberOf(alert.findings)} in all; the newest first`} flush>
      <ul className="findings">
        {alert.findingList.map((finding, at) => (
          <Finding
            key={finding.id}
            finding={finding}
            title={alert.rule.title}
            first={at === 0 && alert.findingList.length === 1}
          />
        ))}
      </ul>
    </Panel>
  )
}

function Finding({
  finding,
  title,
  first,
}: {
  readonly finding: FindingLine
  /** That of the rule, which stands above already. */
  readonly title: string
  readonly first: boolean
}) {
  const [opened, setOpened] = useState(first)
  const query = useFinding(finding.id, opened)
  return (
    <li>
      <UnstyledButton className="finding-head" aria-expanded={opened} onClick={() => setOpened(!opened)}>
        <Icon name={opened ? 'down' : 'right'} size={12} />
        <span className="finding-words">
          <Plain text={withoutTitle(finding.summary, title)} />
        </span>
        <span className="finding-when">
          <TimeText iso={finding.lastTime} />
        </span>
      </UnstyledButton>
      <Collapse expanded={opened} keepMounted={false}>
        <div className="finding-body">
          <StateOf query={query} lines={2}>
            {(detail) => (
              <>
                <FindingFacts finding={detail} />
                <FindingEvents finding={detail} />
              </>
            )}
          </StateOf>
        </div>
      </Collapse>
    </li>
  )
}

function FindingFacts({ finding }: { readonly finding: FindingDetail }) {
  return (
    <KeyValue
      rows={[
        [
          'Events',
          <Anchor key="events" component={Link} href={eventsOfFinding(finding)}>
            {numberOf(finding.events)} in the explorer
          </Anchor>,
        ],
        ...Object.entries(finding.group).map(([name, value]) => [name, <Plain key={name} text={value} />] as const),
        ['Measured', finding.measure === null ? null : <Plain key="measure" text={finding.measure} />],
        ['Found', <TimeText key="found" iso={finding.detectedTime} />],
        ['Revision', finding.revision > 1 ? numberOf(finding.revision) : null],
        ['Id', <IdText key="id" id={finding.id} />],
      ]}
    />
  )
}

function FindingEvents({ finding }: { readonly finding: FindingDetail }) {
  const query = useFindingEvents(finding)
  if (finding.eventIds.length === 0) return null
  return (
    <StateOf
      query={query}
      lines={2}
      empty={({ events }) => events.length === 0}
      whenEmpty={<Empty title="Its events are not in the lake, or not for your eyes" />}
    >
      {({ events }) => <EventLines events={events} label={`Events of finding ${finding.id}`} />}
    </StateOf>
  )
}

/** The timeline of an incident, with the risk that each step added. */
export function IncidentTimeline({ alert }: { readonly alert: AlertDetail }) {
  if (alert.timeline.length === 0) return null
  return (
    <Panel title="Timeline" note="Each step with the risk it added">
      <Timeline className="steps" bulletSize={10} lineWidth={1} active={alert.timeline.length}>
        {alert.timeline.map(({ time, score, title, summary }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two steps may be alike, and their order does not change
          <Timeline.Item key={at}>
            <div className="step-top">
              <TimeText iso={time} />
              <Tag tone={score >= 50 ? 'high' : score >= 25 ? 'medium' : 'informational'}>+{numberOf(score)}</Tag>
              <strong>
                <Plain text={title} />
              </strong>
            </div>
            <div className="step-words">
              <Plain text={withoutTitle(summary, title)} />
            </div>
          </Timeline.Item>
        ))}
      </Timeline>
    </Panel>
  )
}

/** The alerts that an incident is made of, or the incidents that an alert is part of. */
export function RelatedAlerts({ alert }: { readonly alert: AlertDetail }) {
  if (alert.alerts.length === 0) return null
  return (
    <Panel title={alert.kind === 'incident' ? 'Alerts in it' : 'Part of'} flush>
      <AlertLines
        alerts={alert.alerts.map((each) => ({
          ...each,
          about: each.entity.value === alert.entity.value ? null : each.entity.value,
        }))}
      />
    </Panel>
  )
}

/** What happened to the alert, the newest first: notes, steps, new evidence. */
export function History({ alert }: { readonly alert: AlertDetail }) {
  return (
    <Panel title="History and notes" note="Nothing here can be changed or taken out">
      <ol className="history">
        {alert.history.toReversed().map(({ time, who, what, why }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two lines may be alike; the list only grows
          <li key={alert.history.length - at}>
            <div>
              <strong>
                <Plain text={who} />
              </strong>{' '}
              <Plain text={what} /> <TimeText iso={time} />
            </div>
            {why === null || why === '' ? null : (
              <div className={what === 'note' ? 'history-note' : 'history-why'}>
                <Plain text={why} keepLines />
              </div>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  )
}
