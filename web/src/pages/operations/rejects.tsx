/** Records that became no event: why, from where, and what was received. */
import { Button, Group, NativeSelect, Table } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { RejectPage } from '../../../../src/serve/shapes/operations.ts'
import { type ApiError, ask } from '../../api.ts'
import { Icon } from '../../parts/icon.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { Copy, Tag, TimeText } from '../../parts/small.tsx'
import { Empty, StateOf } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'
import { useUrlState } from '../../url-state.ts'

type Reject = RejectPage['rejects'][number]

const PAGE = 50

/** Pages of rejects, the newest first. */
const useRejects = (reason: string) =>
  useInfiniteQuery<RejectPage, ApiError, RejectPage, readonly unknown[], string | null>({
    queryKey: ['rejects', 'pages', { reason }],
    queryFn: ({ pageParam, signal }) => ask<RejectPage>('/rejects', { reason, limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    select: ({ pages }) => ({
      rejects: pages.flatMap(({ rejects }) => rejects),
      nextCursor: pages.at(-1)?.nextCursor ?? null,
      reasons: pages[0]?.reasons ?? [],
    }),
  })

/** The rejects of the lake, by reason. */
export function Rejects() {
  const [params, change] = useUrlState()
  const reason = params.get('reason') ?? ''
  const query = useRejects(reason)
  const reasons = query.data?.reasons ?? []
  return (
    <Panel
      title="Rejects"
      note="Records that could not be read as events. Nothing is lost: the bytes are kept."
      actions={
        <NativeSelect
          aria-label="Reason"
          value={reason}
          onChange={(event) => change({ reason: event.currentTarget.value })}
          data={[
            { value: '', label: 'Any reason' },
            ...reasons.map(({ value, count }) => ({ value, label: `${value} (${numberOf(count)})` })),
            ...(reason === '' || reasons.some(({ value }) => value === reason)
              ? []
              : [{ value: reason, label: reason }]),
          ]}
        />
      }
      flush
    >
      <StateOf
        query={query}
        empty={({ rejects }) => rejects.length === 0}
        whenEmpty={
          <Empty title="No rejects" icon="check">
            Every record that came became an event{reason === '' ? '' : ', or was rejected for another reason'}.
          </Empty>
        }
      >
        {({ rejects }) => (
          <>
            <ScrollTable
              label="Rejects"
              columns={[{ name: 'Reason' }, { name: 'Where' }, { name: 'Received' }, { name: 'Bytes', silent: true }]}
            >
              {rejects.map((reject) => (
                <RejectRows key={reject.id} reject={reject} />
              ))}
            </ScrollTable>
            {query.hasNextPage ? (
              <Button
                variant="subtle"
                fullWidth
                loading={query.isFetchingNextPage}
                onClick={() => void query.fetchNextPage()}
              >
                Show more
              </Button>
            ) : null}
          </>
        )}
      </StateOf>
    </Panel>
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
        </Table.Td>
        <Table.Td>
          <TimeText iso={time} />
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
          <Table.Td colSpan={4}>
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
