/** The queue of alerts or of incidents, with one of them in full beside it. */
import { ActionIcon, Anchor, Button, Checkbox, Group, Tooltip } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { Link, Redirect } from 'wouter'
import type { AlertPage, AlertRow } from '../../../../src/serve/shapes/alerts.ts'
import { useLive } from '../../live.tsx'
import { Icon } from '../../parts/icon.tsx'
import { KeyHelp, useKeyMap } from '../../parts/key-map.tsx'
import { LEVELS } from '../../parts/levels.ts'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { PageHead } from '../../parts/panel.tsx'
import { Empty, StateOf } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'
import { useUrlState } from '../../url-state.ts'
import { AlertView } from './alert-detail.tsx'
import { useQueue } from './alert-queries.ts'
import { whichOf } from './dialogs.tsx'
import { filterOf, isNarrowed, QUEUE_MOST, QUEUE_STEP, QueueFilters, WIDE } from './queue-filters.tsx'
import { QueueList } from './queue-list.tsx'
import { SilencesButton } from './silences.tsx'
import { type Triage, useTriage } from './triage.tsx'
import './alerts.css'

/** Narrower than this, the queue and the detail take turns. */
const BESIDE = '(min-width: 68em)'

/** None, of a queue that is not here yet. */
const NONE: readonly AlertRow[] = []

/** Choices of {@link QueuePage}. */
export interface QueuePageProps {
  readonly kind: AlertRow['kind']
  readonly title: string
  /** Id of an address such as `/alerts/1c0be606`, as messages to people have it. */
  readonly address: string | undefined
}

/** The queue of a kind, or the way to it from the address of one. */
export const QueuePage = ({ kind, title, address }: QueuePageProps) =>
  address === undefined ? (
    <Queue kind={kind} title={title} />
  ) : (
    <Redirect to={`/${kind}s?${new URLSearchParams({ which: 'all', id: address }).toString()}`} replace />
  )

function Queue({ kind, title }: Pick<QueuePageProps, 'kind' | 'title'>) {
  const [params, change] = useUrlState()
  const current = params.get('id')
  const beside = useMediaQuery(BESIDE, true, { getInitialValueInEffect: false })
  const filter = useMemo(() => filterOf(kind, params), [kind, params])
  const query = useQueue(filter)
  const alerts = query.data?.alerts ?? NONE
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [help, setHelp] = useState(false)
  const queries = useQueryClient()
  useLive('alerts', () => void queries.invalidateQueries({ queryKey: ['alerts'] }))
  const [triage, dialog] = useTriage(() => setChosen(new Set()))
  const hrefOf = (id: string | null) => addressOf(kind, params, id)
  const go = (id: string | null) => change({ id }, { replace: current !== null })
  const at = alerts.findIndex(({ id }) => id === current)
  const place = usePlace(at)
  useAlertOfFinding(filter.finding, current, query.isPlaceholderData ? NONE : alerts, change)
  const subject =
    chosen.size > 0 ? alerts.filter(({ id }) => chosen.has(id)) : alerts.filter(({ id }) => id === current)
  const step = (by: number) => {
    // What was open may have left the queue: then the one that took its place is next.
    const to = at >= 0 ? at + by : current === null ? 0 : place + Math.min(by, 0)
    const next = alerts[Math.max(0, Math.min(alerts.length - 1, to))]
    if (next !== undefined) go(next.id)
  }
  const choose = (id: string, on: boolean) =>
    setChosen((before) => new Set(on ? [...before, id] : [...before].filter((each) => each !== id)))
  const mayNot = useWhyNot('alerts:change', 'change alerts')
  const deed = (key: string, label: string, run: () => void) => ({
    key,
    label,
    run: () => (mayNot === null ? run() : undefined),
  })
  const keys = [
    { key: 'j', label: 'Next', run: () => step(1) },
    { key: 'k', label: 'Previous', run: () => step(-1) },
    {
      key: 'Escape',
      label: 'Close the detail, or choose nothing',
      run: () => (chosen.size > 0 ? setChosen(new Set()) : go(null)),
    },
    {
      key: 'v',
      label: 'Choose for what is done to many',
      run: () => (current === null ? undefined : choose(current, !chosen.has(current))),
    },
    deed('a', 'Acknowledge', () => triage.simple('acknowledge', subject)),
    deed('s', 'Start', () => triage.simple('start', subject)),
    deed('r', 'Resolve, and say what it was', () => triage.ask('resolve', subject)),
    deed('o', 'Reopen', () => triage.simple('reopen', subject)),
    deed('n', 'Note', () => triage.ask('note', subject)),
    deed('m', 'Assign to me', () => triage.assignToMe(subject)),
    deed('x', 'Silence', () => triage.ask('silence', subject.slice(0, 1))),
    { key: '?', label: 'These keys', run: () => setHelp(true) },
  ]
  useKeyMap(keys)
  const detail =
    current === null ? null : (
      <AlertView
        key={current}
        id={current}
        triage={triage}
        back={beside ? null : <BackLink href={hrefOf(null)} title={title} />}
      />
    )
  return (
    <div className="page">
      <PageHead title={title} note={query.data === undefined ? null : <Counts page={query.data} kind={kind} />}>
        <SilencesButton />
        <Tooltip label="Keys of this page">
          <ActionIcon aria-label="Keys of this page" onClick={() => setHelp(true)}>
            <Icon name="keyboard" />
          </ActionIcon>
        </Tooltip>
      </PageHead>
      {beside || current === null ? (
        <QueueFilters
          filter={filter}
          counts={query.data?.counts ?? {}}
          onChange={(changes) => change(changes, { replace: true })}
        />
      ) : null}
      <div className={beside ? 'triage beside' : 'triage'}>
        {beside || current === null ? (
          <section className="panel queue-panel" aria-label={`Queue of ${kind}s`}>
            <ManyBar alerts={alerts} chosen={chosen} setChosen={setChosen} triage={triage} />
            <StateOf
              query={query}
              lines={10}
              empty={(page) => page.alerts.length === 0}
              whenEmpty={
                <NoAlerts kind={kind} narrowed={isNarrowed(filter)} which={filter.which} onWiden={() => change(WIDE)} />
              }
            >
              {(page) => (
                <div className={query.isPlaceholderData ? 'queue-scroll dated' : 'queue-scroll'}>
                  <QueueList
                    alerts={page.alerts}
                    current={current}
                    chosen={chosen}
                    onChoose={choose}
                    hrefOf={(alert) => hrefOf(alert.id)}
                  />
                  {page.hasMore ? (
                    <More
                      shown={filter.limit}
                      onMore={() => change({ limit: String(filter.limit + QUEUE_STEP) }, { replace: true })}
                    />
                  ) : null}
                </div>
              )}
            </StateOf>
          </section>
        ) : null}
        {detail ??
          (beside ? (
            <div className="panel nothing-open">
              <Empty title={`No ${kind} is open`} icon={kind === 'alert' ? 'alerts' : 'incidents'}>
                Choose one at the left, or press j. Press ? for all keys.
              </Empty>
            </div>
          ) : null)}
      </div>
      {dialog}
      <KeyHelp deeds={keys} opened={help} onClose={() => setHelp(false)} />
    </div>
  )
}

function More({ shown, onMore }: { readonly shown: number; readonly onMore: () => void }) {
  if (shown >= QUEUE_MOST)
    return <p className="queue-end">These are the first {numberOf(QUEUE_MOST)}. Filter the queue to see the others.</p>
  return (
    <Button variant="subtle" fullWidth onClick={onMore}>
      Show more
    </Button>
  )
}

/** The address of one of the queue, with the filters as they are. */
function addressOf(kind: AlertRow['kind'], params: URLSearchParams, id: string | null): string {
  const next = new URLSearchParams(params)
  if (id === null) next.delete('id')
  else next.set('id', id)
  const text = next.toString()
  return text === '' ? `/${kind}s` : `/${kind}s?${text}`
}

/** Where in the queue the open one was when it was last in it. */
function usePlace(at: number): number {
  const [place, setPlace] = useState(0)
  useEffect(() => {
    if (at >= 0) setPlace(at)
  }, [at])
  return place
}

/** Who comes from a finding wants its alert: where it has only one, that is opened, once. */
function useAlertOfFinding(
  finding: string,
  current: string | null,
  alerts: readonly AlertRow[],
  change: ReturnType<typeof useUrlState>[1],
): void {
  const seen = useRef('')
  useEffect(() => {
    if (finding === seen.current) return
    if (finding !== '' && current === null) {
      const [only, more] = alerts
      if (only === undefined || more !== undefined) return
      change({ id: only.id }, { replace: true })
    }
    seen.current = finding
  }, [finding, current, alerts, change])
}

const BackLink = ({ href, title }: { readonly href: string; readonly title: string }) => (
  <Anchor component={Link} href={href} className="back-link">
    <Icon name="left" size={12} /> {title}
  </Anchor>
)

/** Open ones by level, whatever the filters; each is a link to them. */
function Counts({ page, kind }: { readonly page: AlertPage; readonly kind: string }) {
  const levels = LEVELS.filter((level) => (page.counts[level] ?? 0) > 0)
  if (levels.length === 0) return <>Nothing is open</>
  return (
    <ul className="queue-counts" aria-label="Open, by level">
      {levels.map((level) => (
        <li key={level}>
          <Anchor component={Link} href={`/${kind}s?level=${level}&highest=${level}`} inherit>
            <strong>{numberOf(page.counts[level] ?? 0)}</strong> {level}
          </Anchor>
        </li>
      ))}
    </ul>
  )
}

function NoAlerts({
  kind,
  narrowed,
  which,
  onWiden,
}: {
  readonly kind: string
  readonly narrowed: boolean
  readonly which: string
  readonly onWiden: () => void
}) {
  if (narrowed)
    return (
      <Empty title={`No ${kind} fits these filters`} icon="filter">
        <Button variant="default" onClick={onWiden}>
          Take the filters away
        </Button>
      </Empty>
    )
  return (
    <Empty title={which === 'open' ? `No open ${kind}s` : `No ${kind}s`} icon="check">
      {kind === 'alert'
        ? 'Findings of rules become alerts here. They come by themselves.'
        : 'Alerts about the same actor or asset that together are too much become an incident here.'}
    </Empty>
  )
}

function ManyBar({
  alerts,
  chosen,
  setChosen,
  triage,
}: {
  readonly alerts: readonly AlertRow[]
  readonly chosen: ReadonlySet<string>
  readonly setChosen: (chosen: ReadonlySet<string>) => void
  readonly triage: Triage
}) {
  const mayNot = useWhyNot('alerts:change', 'change alerts')
  const picked = alerts.filter(({ id }) => chosen.has(id))
  if (alerts.length === 0) return null
  const all = picked.length === alerts.length
  return (
    <Group className="many-bar" gap={6} role="toolbar" aria-label="What is done to the chosen ones">
      <Checkbox
        checked={all}
        indeterminate={picked.length > 0 && !all}
        onChange={() => setChosen(new Set(all ? [] : alerts.map(({ id }) => id)))}
        aria-label={all ? 'Choose none' : 'Choose all that are shown'}
      />
      {picked.length === 0 ? (
        <span className="many-none">{numberOf(alerts.length)} shown</span>
      ) : (
        <>
          <span>{numberOf(picked.length)} chosen</span>
          <MayButton
            variant="default"
            size="compact-xs"
            whyNot={mayNot}
            loading={triage.busy}
            onPress={() => triage.simple('acknowledge', picked)}
          >
            Acknowledge
          </MayButton>
          <MayButton variant="default" size="compact-xs" whyNot={mayNot} onPress={() => triage.assignToMe(picked)}>
            Assign to me
          </MayButton>
          <MayButton
            variant="default"
            size="compact-xs"
            whyNot={mayNot}
            onPress={() => triage.ask('resolve', picked)}
            aria-label={`Resolve ${whichOf(picked)}`}
          >
            Resolve
          </MayButton>
        </>
      )}
    </Group>
  )
}
