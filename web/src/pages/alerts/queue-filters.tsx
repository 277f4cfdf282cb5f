/** Which alerts the queue holds; kept in the address. */
import { Group, NativeSelect, SegmentedControl, Switch, TextInput } from '@mantine/core'
import { upperFirst, useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import type { AlertRow } from '../../../../src/serve/shapes/alerts.ts'
import { FilterChip } from '../../parts/filter-chip.tsx'
import { LEVELS } from '../../parts/levels.ts'
import { useMe } from '../../queries/session.ts'
import { numberOf } from '../../times.ts'
import type { Changes } from '../../url-state.ts'
import type { QueueFilter } from './alert-queries.ts'

/** So many are fetched at first, and each time more are asked for. */
export const QUEUE_STEP = 100

/** More the server does not list at once; filters lead to the rest. */
export const QUEUE_MOST = 1000

/** The filter of an address. */
export function filterOf(kind: AlertRow['kind'], params: URLSearchParams): QueueFilter {
  const text = (name: string) => params.get(name) ?? ''
  return {
    kind,
    which: text('which') || 'open',
    state: text('state'),
    level: text('level'),
    // Nothing is above the highest.
    highest: text('highest') || (text('level') === 'critical' ? 'critical' : ''),
    rule: text('rule'),
    entity: text('entity'),
    assignee: text('assignee'),
    quiet: text('quiet'),
    finding: text('finding'),
    limit: Math.min(QUEUE_MOST, Math.max(QUEUE_STEP, Number(text('limit')) || QUEUE_STEP)),
  }
}

/** Parts of a filter that hide something. */
export const isNarrowed = (filter: QueueFilter): boolean =>
  Object.keys(WIDE).some((name) => filter[name as keyof typeof WIDE] !== '')

/** Takes everything out of the address that hides something. */
export const WIDE = {
  state: null,
  level: null,
  highest: null,
  rule: null,
  entity: null,
  assignee: null,
  quiet: null,
  finding: null,
} satisfies Changes

/** A level as the lowest, or as the lowest and the highest. */
const LEVEL_CHOICES = [
  { value: '', label: 'Any level' },
  ...LEVELS.filter((level) => level !== 'critical' && level !== 'informational').map((level) => ({
    value: level,
    label: `${upperFirst(level)} and above`,
  })),
  ...LEVELS.map((level) => ({ value: `${level} ${level}`, label: `Only ${level}` })),
]

/** The controls above the queue. */
export function QueueFilters({
  filter,
  counts,
  onChange,
}: {
  readonly filter: QueueFilter
  /** How many there are by state, whatever the filter. */
  readonly counts: Readonly<Record<string, number>>
  readonly onChange: (changes: Changes) => void
}) {
  const me = useMe()
  const assignees = [
    { value: '', label: 'Anybody' },
    { value: me.name, label: 'Me' },
    ...(filter.assignee === '' || filter.assignee === me.name
      ? []
      : [{ value: filter.assignee, label: filter.assignee }]),
  ]
  return (
    <Group gap={8} className="queue-filters" role="search" aria-label="Filter the queue">
      <SegmentedControl
        aria-label="Open or resolved"
        value={filter.which}
        onChange={(which) => onChange({ which: which === 'open' ? null : which, state: null })}
        data={[
          { value: 'open', label: counted('Open', counts.open) },
          { value: 'resolved', label: counted('Resolved', counts.resolved) },
          { value: 'all', label: 'All' },
        ]}
      />
      <NativeSelect
        aria-label="State"
        w={128}
        value={filter.state}
        onChange={(event) => onChange({ state: event.currentTarget.value })}
        disabled={filter.which === 'resolved'}
        data={[
          { value: '', label: 'Any state' },
          { value: 'new', label: counted('New', counts.new) },
          { value: 'acknowledged', label: counted('Acknowledged', counts.acknowledged) },
          { value: 'in progress', label: counted('In progress', counts['in progress']) },
          { value: 'reopened', label: counted('Reopened', counts.reopened) },
        ]}
      />
      <NativeSelect
        aria-label="Level"
        w={136}
        value={`${filter.level} ${filter.highest}`.trim()}
        onChange={(event) => {
          const [level = '', highest = ''] = event.currentTarget.value.split(' ')
          onChange({ level, highest })
        }}
        data={LEVEL_CHOICES}
      />
      <NativeSelect
        aria-label="Assignee"
        w={100}
        value={filter.assignee}
        onChange={(event) => onChange({ assignee: event.currentTarget.value })}
        data={assignees}
      />
      <TypedFilter label="Rule" value={filter.rule} onChange={(rule) => onChange({ rule })} />
      <TypedFilter label="About" value={filter.entity} onChange={(entity) => onChange({ entity })} />
      {filter.finding === '' ? null : (
        <FilterChip label="Of one finding" onRemove={() => onChange({ finding: null })} />
      )}
      <Switch
        label="Without quiet ones"
        checked={filter.quiet === 'false'}
        onChange={(event) => onChange({ quiet: event.currentTarget.checked ? 'false' : null })}
      />
    </Group>
  )
}

const counted = (name: string, count: number | undefined): string =>
  count === undefined ? name : `${name} (${numberOf(count)})`

const TYPING_MS = 300

function TypedFilter({
  label,
  value,
  onChange,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (text: string) => void
}) {
  const [typed, setTyped] = useState(value)
  const tell = useDebouncedCallback(onChange, TYPING_MS)
  // The address may change by other ways, such as the back button.
  useEffect(() => setTyped(value), [value])
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      w={116}
      value={typed}
      maxLength={200}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        tell(event.currentTarget.value.trim())
      }}
    />
  )
}
