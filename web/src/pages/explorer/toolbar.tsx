/** What can be done with a search: columns, order, downloads, keeping it, sharing it. */
import { ActionIcon, Button, Checkbox, Menu, Popover, SegmentedControl, Stack, Tooltip } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { useState } from 'react'
import { urlOf } from '../../api.ts'
import { EVENT_COLUMNS } from '../../parts/event-columns.tsx'
import { Icon } from '../../parts/icon.tsx'
import type { Search } from '../../queries/events.ts'
import { useMay } from '../../queries/session.ts'

/** Chooses columns; they stay in the order they are offered. */
export function ColumnMenu({
  columns,
  onChange,
}: {
  readonly columns: readonly string[]
  readonly onChange: (columns: readonly string[]) => void
}) {
  const names = EVENT_COLUMNS.map(({ name }) => name)
  return (
    <Popover position="bottom-end" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon aria-label="Columns" title="Columns">
          <Icon name="columns" />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown mah={420} className="drop scrolls" aria-label="Columns">
        <Checkbox.Group
          aria-label="Columns"
          value={[...columns]}
          onChange={(next) => next.length > 0 && onChange(names.filter((name) => next.includes(name)))}
        >
          <Stack gap={10} p="xs">
            {EVENT_COLUMNS.map(({ name, title }) => (
              <Checkbox key={name} value={name} label={title} />
            ))}
          </Stack>
        </Checkbox.Group>
      </Popover.Dropdown>
    </Popover>
  )
}

/** Newest or oldest first. */
export function OrderSwitch({
  order,
  onChange,
}: {
  readonly order: 'newest' | 'oldest'
  readonly onChange: (order: 'newest' | 'oldest') => void
}) {
  return (
    <SegmentedControl
      aria-label="Order"
      value={order}
      data={[
        { value: 'newest', label: 'Newest' },
        { value: 'oldest', label: 'Oldest' },
      ]}
      onChange={(next) => onChange(next === 'oldest' ? 'oldest' : 'newest')}
    />
  )
}

const FORMATS = [
  ['ndjson', 'NDJSON', 'an event a line, all of it'],
  ['csv', 'CSV', 'a plain value a column'],
  ['parquet', 'Parquet', 'for other programs'],
] as const

/** Downloads what a search finds. */
export function DownloadMenu({ search }: { readonly search: Search }) {
  const may = useMay('events:download')
  const [isOpen, setOpen] = useState(false)
  return (
    <Menu position="bottom-end" opened={isOpen} onChange={setOpen}>
      <Menu.Target>
        <Tooltip label={may ? 'Download' : 'Your role does not download events'} disabled={may && isOpen}>
          <ActionIcon aria-label="Download" data-disabled={!may} aria-disabled={!may}>
            <Icon name="download" />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      {may ? (
        <Menu.Dropdown>
          <Menu.Label>All events of this search</Menu.Label>
          {FORMATS.map(([format, name, about]) => (
            <Menu.Item
              key={format}
              component="a"
              href={urlOf('/events/download', { ...search, format })}
              download
              aria-label={`${name}: ${about}`}
            >
              {name} <span className="quiet">{about}</span>
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      ) : null}
    </Menu>
  )
}

/** Copies the address: it holds all of what is shown. */
export function ShareButton() {
  const clipboard = useClipboard({ timeout: 1500 })
  const label = clipboard.copied ? 'Address copied' : 'Copy the address of this view'
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} onClick={() => clipboard.copy(window.location.href)}>
        <Icon name={clipboard.copied ? 'check' : 'link'} />
      </ActionIcon>
    </Tooltip>
  )
}

/** How many events came since the answer; a click asks anew. */
export function NewEvents({ count, onShow }: { readonly count: number; readonly onShow: () => void }) {
  return (
    <span role="status" className="new-events">
      {count === 0 ? null : (
        <Button size="compact-xs" variant="light" onClick={onShow} leftSection={<Icon name="up" size={12} />}>
          {count === 1 ? '1 new event' : `${count.toLocaleString('en-US')} new events`}
        </Button>
      )}
    </span>
  )
}
