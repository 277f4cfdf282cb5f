/** Records that became no event: why, from where, and what was received. */
import { Button, Group, NativeSelect, Table, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import type { RejectPage } from '../../../../src/serve/shapes/operations.ts'
import { Icon } from '../../parts/icon.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { Copy, Tag, TimeText } from '../../parts/small.tsx'
import { Empty, StateOf } from '../../parts/state-of.tsx'
import { type Span, TimeRangePicker } from '../../parts/time-range.tsx'
import { usePages } from '../../queries/ask.ts'
import { numberOf } from '../../times.ts'
import { useUrlState } from '../../url-state.ts'

type Reject = RejectPage['rejects'][number]

const PAGE = 50

/** The rejects of the lake, by reason and by when they were set aside. */
export function Rejects() {
  const [params, change] = useUrlState()
  const reason = params.get('reason') ?? ''
  const span: Span = { from: params.get('from'), to: params.get('to') }
  const query = usePages<RejectPage>('/rejects', { ...span, reason, limit: PAGE })
  const isNarrowed = reason !== '' || span.from !== null || span.to !== null
  return (
    <Panel
      title="Rejects"
      note="Records that could not be read as events. Nothing is lost: the bytes are kept."
      actions={
        <>
          <Reasons
            reason={reason}
            counts={query.data?.[0]?.reasons ?? []}
            onChange={(next) => change({ reason: next })}
          />
          <TimeRangePicker span={span} onChange={({ from, to }) => change({ from, to })} />
        </>
      }
      flush
    >
      <StateOf
        query={query}
        empty={([first]) => first?.rejects.length === 0}
        whenEmpty={
          isNarrowed ? (
            <Empty title="No reject fits these filters" icon="filter">
              <UnstyledButton className="text-button" onClick={() => change({ reason: null, from: null, to: null })}>
                Show all rejects
              </UnstyledButton>
            </Empty>
          ) : (
            <Empty title="No rejects" icon="check">
              Every record that came became an event.
            </Empty>
          )
        }
      >
        {(pages) => (
          <div className={query.isPlaceholderData ? 'dated' : ''}>
            <ScrollTable
              label="Rejects"
              columns={[
                { name: 'Reason' },
                { name: 'Where, and when it was set aside' },
                { name: 'Bytes', silent: true },
              ]}
            >
              {pages
                .flatMap(({ rejects }) => rejects)
                .map((reject) => (
                  <RejectRows key={reject.id} reject={reject} />
                ))}
            </ScrollTable>
            <MoreButton query={query} />
          </div>
        )}
      </StateOf>
    </Panel>
  )
}

function Reasons({
  reason,
  counts,
  onChange,
}: {
  readonly reason: string
  readonly counts: RejectPage['reasons']
  readonly onChange: (reason: string) => void
}) {
  return (
    <NativeSelect
      aria-label="Reason"
      value={reason}
      onChange={(event) => onChange(event.currentTarget.value)}
      data={[
        { value: '', label: 'Any reason' },
        ...counts.map(({ value, count }) => ({ value, label: `${visibleText(value)} (${numberOf(count)})` })),
        ...(reason === '' || counts.some(({ value }) => value === reason)
          ? []
          : [{ value: reason, label: visibleText(reason) }]),
      ]}
    />
  )
}

function RejectRows({ reject }: { readonly reject: Reject }) {
  const [opened, setOpened] = useState(false)
  const { reason, message, object, line, time, bytes } = reject
  return (
    <>
      <Table.Tr>
        <Table.Td className="name-cell">
          <Tag tone="medium">
            <Plain text={reason} />
          </Tag>
          {message === null ? null : (
            <div className="sub">
              <Plain text={message} />
            </div>
          )}
        </Table.Td>
        <Table.Td className="name-cell">
          <Plain text={object} />
          {line === null ? null : <span className="sub"> line {numberOf(line)}</span>}
          <div className="sub">
            <TimeText iso={time} />
          </div>
        </Table.Td>
        <Table.Td className="buttons">
          {bytes === null ? null : (
            <Button
              variant="subtle"
              size="compact-xs"
              aria-expanded={opened}
              onClick={() => setOpened(!opened)}
              leftSection={<Icon name={opened ? 'down' : 'right'} size={11} />}
            >
              Bytes
            </Button>
          )}
        </Table.Td>
      </Table.Tr>
      {opened && bytes !== null ? (
        <Table.Tr>
          <Table.Td colSpan={3}>
            <Group gap={4} align="flex-start" wrap="nowrap">
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
              <pre className="bytes" tabIndex={0}>
                <Plain text={bytes} keepLines />
              </pre>
              <Copy text={bytes} />
            </Group>
          </Table.Td>
        </Table.Tr>
      ) : null}
    </>
  )
}
