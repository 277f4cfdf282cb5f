/** From when to when: a span back from now, or two instants. */
import { Button, Divider, Group, Popover, Stack, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { useSettings, type Zone } from '../settings.tsx'
import { timeOf } from '../times.ts'
import { Icon } from './icon.tsx'

/** A span as the API takes it; null is open. */
export interface Span {
  readonly from: string | null
  readonly to: string | null
}

const BACK: readonly (readonly [string, string])[] = [
  ['15m ago', 'Last 15 minutes'],
  ['1h ago', 'Last hour'],
  ['24h ago', 'Last 24 hours'],
  ['7d ago', 'Last 7 days'],
  ['30d ago', 'Last 30 days'],
  ['90d ago', 'Last 90 days'],
]

/** A span in words. */
export function spanText({ from, to }: Span, zone: Zone, usual = 'All time'): string {
  if (from === null && to === null) return usual
  if (to === null) return BACK.find(([value]) => value === from)?.[1] ?? `Since ${instantText(from ?? '', zone)}`
  if (from === null) return `Until ${instantText(to, zone)}`
  const [a, b] = [instantText(from, zone), instantText(to, zone)]
  return a.slice(0, 10) === b.slice(0, 10) && a.length > 11 ? `${a} – ${b.slice(11)}` : `${a} – ${b}`
}

const isInstant = (text: string): boolean => /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text)

const instantText = (text: string, zone: Zone): string => (isInstant(text) ? timeOf(text, zone).slice(0, 16) : text)

/** A button that tells the span and opens ways to change it. */
export function TimeRangePicker({
  span,
  onChange,
  usual = 'All time',
}: {
  readonly span: Span
  readonly onChange: (span: Span) => void
  /** What an open span means. */
  readonly usual?: string
}) {
  const { zone } = useSettings()
  const [isOpen, setOpen] = useState(false)
  const choose = (next: Span) => {
    onChange(next)
    setOpen(false)
  }
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={290} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<Icon name="clock" size={14} />}
          rightSection={<Icon name="down" size={12} />}
          aria-label={`Time: ${spanText(span, zone, usual)}`}
          onClick={() => setOpen(!isOpen)}
        >
          {spanText(span, zone, usual)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown className="drop" aria-label="Time">
        {[...BACK, [null, usual] as const].map(([from, words]) => (
          <UnstyledButton
            key={words}
            onClick={() => choose({ from, to: null })}
            className={span.from === from && span.to === null ? 'drop-item chosen' : 'drop-item'}
            aria-pressed={span.from === from && span.to === null}
          >
            {words}
          </UnstyledButton>
        ))}
        <Divider my={4} />
        <Between key={`${span.from} ${span.to} ${zone}`} span={span} zone={zone} onChange={choose} />
      </Popover.Dropdown>
    </Popover>
  )
}

/** Two instants, typed; words such as `yesterday` are understood by the server too. */
function Between({
  span,
  zone,
  onChange,
}: {
  readonly span: Span
  readonly zone: Zone
  readonly onChange: (span: Span) => void
}) {
  const [from, setFrom] = useState(span.from === null ? '' : instantText(span.from, zone))
  const [to, setTo] = useState(span.to === null ? '' : instantText(span.to, zone))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onChange({ from: typed(from, zone), to: typed(to, zone) })
      }}
    >
      <Stack gap="xs" p="xs">
        <Group grow gap="xs">
          <TextInput
            label="From"
            placeholder="2026-11-12 08:00"
            value={from}
            onChange={(e) => setFrom(e.currentTarget.value)}
          />
          <TextInput label="To" placeholder="now" value={to} onChange={(e) => setTo(e.currentTarget.value)} />
        </Group>
        <Text size="xs" c="dimmed">
          {zone === 'utc' ? 'UTC' : 'Your own time'}; also words: <code>yesterday</code>, <code>3 days ago</code>
        </Text>
        <Button type="submit">Show</Button>
      </Stack>
    </form>
  )
}

/** What was typed, as the server takes it: a time of the reader's own zone becomes an instant. */
function typed(text: string, zone: Zone): string | null {
  const trimmed = text.trim()
  if (trimmed === '') return null
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)$/.exec(trimmed)
  if (match === null) return trimmed
  const date = new Date(`${match[1]}T${match[2]}${zone === 'utc' ? 'Z' : ''}`)
  return Number.isNaN(date.getTime()) ? trimmed : date.toISOString()
}
