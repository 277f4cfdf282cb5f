/** What a rule would have found in events that are there already. */
import { Anchor, Button, Group, NativeSelect, Text, TextInput } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { Link } from 'wouter'
import type { Backtest, RuleDetail } from '../../../../src/serve/shapes/rules.ts'
import { ApiError, tell } from '../../api.ts'
import { DayBars } from '../../parts/day-bars.tsx'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { TimeText } from '../../parts/small.tsx'
import { Failed } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'
import { explorerUrl, term } from '../../url-state.ts'

const SPANS = [
  { value: '1d ago', label: 'Last day' },
  { value: '7d ago', label: 'Last 7 days' },
  { value: '30d ago', label: 'Last 30 days' },
  { value: '', label: 'All that is there' },
  { value: 'other', label: 'From … to …' },
]

type State =
  | { readonly is: 'idle' }
  | { readonly is: 'running' }
  | { readonly is: 'done'; readonly answer: Backtest }
  | { readonly is: 'failed'; readonly error: unknown }

/** Runs the rule, with its settings as they are, over a span of time. Leaving the page stops it. */
function useBacktest(ruleId: string) {
  const [state, setState] = useState<State>({ is: 'idle' })
  const running = useRef<AbortController | null>(null)
  useEffect(() => () => running.current?.abort(), [])
  const run = async (body: { readonly from?: string; readonly to?: string }) => {
    const abort = new AbortController()
    running.current = abort
    setState({ is: 'running' })
    try {
      const path = `/rules/${encodeURIComponent(ruleId)}/backtest`
      setState({ is: 'done', answer: await tell<Backtest>('POST', path, body, abort.signal) })
    } catch (error) {
      setState(abort.signal.aborted ? { is: 'idle' } : { is: 'failed', error })
    }
  }
  return { state, run, stop: () => running.current?.abort() }
}

/** The controls and what came of it. */
export function BacktestPanel({ rule }: { readonly rule: RuleDetail }) {
  const whyNot = useWhyNot('rules:test', 'try rules')
  const { state, run, stop } = useBacktest(rule.id)
  const [span, setSpan] = useState('30d ago')
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const asked = span === 'other' ? { from: from.trim(), to: to.trim() } : { from: span, to: '' }
  const start = () =>
    void run({ ...(asked.from === '' ? {} : { from: asked.from }), ...(asked.to === '' ? {} : { to: asked.to }) })
  return (
    <Panel title="Backtest" note="Runs the rule with its settings as they are; nothing is kept and nobody is told">
      <Group gap={8} align="flex-end" mb="sm">
        <NativeSelect
          aria-label="Over which time"
          value={span}
          onChange={(event) => setSpan(event.currentTarget.value)}
          data={SPANS}
        />
        {span === 'other' ? (
          <>
            <TextInput
              aria-label="From"
              placeholder="From, such as 2026-11-01"
              value={from}
              onChange={(event) => setFrom(event.currentTarget.value)}
            />
            <TextInput
              aria-label="To"
              placeholder="To, such as 2d ago"
              value={to}
              onChange={(event) => setTo(event.currentTarget.value)}
            />
          </>
        ) : null}
        {state.is === 'running' ? (
          <Button variant="default" onClick={stop}>
            Stop
          </Button>
        ) : (
          <MayButton whyNot={whyNot} onPress={start}>
            Run
          </MayButton>
        )}
      </Group>
      <div aria-live="polite">
        {state.is === 'running' ? <Text c="dimmed">Running over the lake…</Text> : null}
        {state.is === 'failed' ? <Failed error={asApiError(state.error)} onRetry={start} /> : null}
        {state.is === 'done' ? <Result answer={state.answer} /> : null}
      </div>
    </Panel>
  )
}

const asApiError = (error: unknown): unknown => (error instanceof ApiError ? error : String(error))

function Result({ answer }: { readonly answer: Backtest }) {
  return (
    <>
      <Text mb="xs">
        <strong>{numberOf(answer.findings)}</strong> {answer.findings === 1 ? 'finding' : 'findings'} with{' '}
        {numberOf(answer.events)} events, in {answer.seconds.toFixed(1)} s
      </Text>
      {answer.perDay.length === 0 ? null : (
        <DayBars
          label="Findings of the backtest by day"
          unit="findings"
          days={answer.perDay.map(({ day, findings }) => ({ day, value: findings }))}
        />
      )}
      {answer.examples.length === 0 ? null : (
        <ul className="examples">
          {answer.examples.map(({ eventId, time, summary }) => (
            <li key={`${eventId} ${time}`}>
              <Anchor component={Link} href={explorerUrl(term('id', eventId), aroundOf(time))}>
                <TimeText iso={time} />
              </Anchor>{' '}
              <Plain text={summary} />
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

const DAY_MS = 86_400_000

/** The time of a finding is that of its last event, and the example may be an earlier one. */
function aroundOf(iso: string): { from: string; to: string } {
  const ms = Date.parse(iso)
  return { from: new Date(ms - 30 * DAY_MS).toISOString(), to: new Date(ms + DAY_MS).toISOString() }
}
