/** One alert or incident in full, with what can be done to it. */
import { Group, Kbd, Menu, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { AlertDetail } from '../../../../src/serve/shapes/alerts.ts'
import { Icon } from '../../parts/icon.tsx'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { Plain } from '../../parts/plain.tsx'
import { IdText, LevelBadge } from '../../parts/small.tsx'
import { StateOf } from '../../parts/state-of.tsx'
import { AlertFacts, Because } from './alert-facts.tsx'
import { withoutTitle } from './alert-links.ts'
import { useAlert } from './alert-queries.ts'
import { Findings, History, IncidentTimeline, RelatedAlerts } from './alert-story.tsx'
import { type DeedName, whyNot } from './deeds.ts'
import { Runbook } from './runbook.tsx'
import { StateTag } from './state-tag.tsx'
import type { Triage } from './triage.tsx'

/** The detail of the alert with an id. */
export function AlertView({
  id,
  triage,
  back,
}: {
  readonly id: string
  readonly triage: Triage
  readonly back: ReactNode
}) {
  const query = useAlert(id)
  return (
    <article className="alert-detail" aria-label="Detail">
      {back}
      <StateOf query={query} lines={8}>
        {(alert) => (
          <>
            <section className="panel alert-top" aria-label="Summary">
              <Head alert={alert} triage={triage} />
              <AlertFacts alert={alert} />
            </section>
            <Because lines={alert.because} />
            <IncidentTimeline alert={alert} />
            <RelatedAlerts alert={alert} />
            <Findings alert={alert} />
            <Runbook steps={alert.runbook} note="What to look at next; times and names are filled in" />
            <History alert={alert} />
          </>
        )}
      </StateOf>
    </article>
  )
}

function Head({ alert, triage }: { readonly alert: AlertDetail; readonly triage: Triage }) {
  return (
    <header className="alert-head">
      <Group gap={8}>
        <LevelBadge level={alert.level} />
        <StateTag status={alert.status} />
        <IdText id={alert.id} />
      </Group>
      <Title order={2}>
        <Plain text={alert.title} />
      </Title>
      <p className="alert-summary">
        <Plain text={withoutTitle(alert.summary, alert.title)} />
      </p>
      <Actions alert={alert} triage={triage} />
    </header>
  )
}

function Actions({ alert, triage }: { readonly alert: AlertDetail; readonly triage: Triage }) {
  const mayNot = useWhyNot('alerts:change', 'change alerts')
  const off = (deed: DeedName) => mayNot ?? whyNot(alert, deed)
  const resolved = alert.state === 'resolved'
  return (
    <Group gap={6} className="alert-actions">
      {resolved ? (
        <KeyButton letter="o" label="Reopen" whyNot={off('reopen')} onPress={() => triage.simple('reopen', [alert])} />
      ) : (
        <>
          <KeyButton
            letter="a"
            label="Acknowledge"
            whyNot={off('acknowledge')}
            onPress={() => triage.simple('acknowledge', [alert])}
          />
          <KeyButton letter="s" label="Start" whyNot={off('start')} onPress={() => triage.simple('start', [alert])} />
        </>
      )}
      <KeyButton
        letter="r"
        label={resolved ? 'Correct outcome' : 'Resolve'}
        whyNot={off('resolve')}
        onPress={() => triage.ask('resolve', [alert])}
      />
      <KeyButton letter="n" label="Note" whyNot={off('note')} onPress={() => triage.ask('note', [alert])} />
      <KeyButton
        letter="m"
        label="Assign to me"
        whyNot={mayNot ?? (alert.assignee === triage.me ? 'It is yours already.' : null)}
        onPress={() => triage.assignToMe([alert])}
      />
      <KeyButton letter="x" label="Silence" whyNot={mayNot} onPress={() => triage.ask('silence', [alert])} />
      <Menu position="bottom-end">
        <Menu.Target>
          <MayButton variant="default" size="compact-sm" whyNot={mayNot} onPress={() => {}} aria-label="More to do">
            <Icon name="down" size={12} />
          </MayButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => triage.ask('assign', [alert])}>Assign to somebody…</Menu.Item>
          <Menu.Item disabled={alert.assignee === null} onClick={() => triage.giveBack([alert])}>
            Give back
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  )
}

function KeyButton({
  letter,
  label,
  whyNot: reason,
  onPress,
}: {
  readonly letter: string
  readonly label: string
  readonly whyNot: string | null
  readonly onPress: () => void
}) {
  return (
    <MayButton
      variant="default"
      size="compact-sm"
      fz="xs"
      whyNot={reason}
      onPress={onPress}
      aria-keyshortcuts={letter}
      rightSection={
        <Kbd size="xs" className="key-hint" aria-hidden="true">
          {letter}
        </Kbd>
      }
    >
      {label}
    </MayButton>
  )
}
