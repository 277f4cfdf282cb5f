/** SQL over the lake, in the sandbox, over what the reader may see. */
import { Button, Group, NativeSelect, Text, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import type { SqlAnswer } from '../../../src/serve/shapes/events.ts'
import { ApiError, tell } from '../api.ts'
import { Icon } from '../parts/icon.tsx'
import { PageHead, Panel } from '../parts/panel.tsx'
import { Empty, Failed } from '../parts/state-of.tsx'
import { numberOf } from '../times.ts'
import { useUrlState } from '../url-state.ts'
import { csvOf, downloadText, jsonOf } from './sql/files.ts'
import { ResultTable } from './sql/result-table.tsx'
import { FIRST_SQL, Starters } from './sql/starters.tsx'
import './sql/sql.css'

const LIMITS = ['100', '1000', '10000', '100000']

/** The page at `/sql`; a statement in the address is put into the editor, and run only by hand. */
export default function SqlPage() {
  const [params, change] = useUrlState()
  const [sql, setSql] = useState(params.get('sql') ?? FIRST_SQL)
  const [limit, setLimit] = useState('1000')
  const { run, cancel, state } = useSql()
  const start = () => {
    if (sql.trim() === '') return
    change({ sql }, { replace: true })
    run(sql, Number(limit))
  }
  const onKey = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      start()
    }
  }
  return (
    <div className="page sql-page">
      <PageHead
        title="SQL"
        note="One statement that reads, over events, findings, rejects and objects. What your role hides stays hidden here too."
      />
      <Panel>
        <Textarea
          aria-label="Statement"
          autosize
          minRows={6}
          maxRows={18}
          spellCheck={false}
          maxLength={100_000}
          classNames={{ input: 'sql-input' }}
          value={sql}
          onChange={(event) => setSql(event.currentTarget.value)}
          onKeyDown={onKey}
        />
        <Group justify="space-between" mt="sm">
          <Group gap="xs">
            {state.isPending ? (
              <Button color="gray" variant="default" leftSection={<Icon name="stop" size={12} />} onClick={cancel}>
                Cancel
              </Button>
            ) : (
              <Button leftSection={<Icon name="play" size={12} />} onClick={start} disabled={sql.trim() === ''}>
                Run
              </Button>
            )}
            <Text size="xs" c="dimmed" visibleFrom="sm">
              Ctrl + Enter runs
            </Text>
          </Group>
          <NativeSelect
            aria-label="Rows at most"
            value={limit}
            onChange={(event) => setLimit(event.currentTarget.value)}
            data={LIMITS.map((value) => ({ value, label: `${numberOf(Number(value))} rows at most` }))}
          />
        </Group>
      </Panel>
      <Result state={state} whenNone={<Starters onPick={setSql} />} />
    </div>
  )
}

interface SqlState {
  readonly data: SqlAnswer | undefined
  readonly error: Error | null
  readonly isPending: boolean
}

/** One statement at a time; a new one or leaving the page stops the one before. */
function useSql(): { run: (sql: string, limit: number) => void; cancel: () => void; state: SqlState } {
  const stop = useRef<AbortController>(null)
  const asked = useMutation<SqlAnswer, Error, { sql: string; limit: number }>({
    mutationFn: ({ sql, limit }) => {
      stop.current?.abort()
      stop.current = new AbortController()
      return tell<SqlAnswer>('POST', '/sql', { sql, limit }, stop.current.signal)
    },
  })
  useEffect(() => () => stop.current?.abort(), [])
  return {
    run: (sql, limit) => asked.mutate({ sql, limit }),
    cancel: () => {
      stop.current?.abort()
      asked.reset()
    },
    state: asked,
  }
}

function Result({
  state: { data, error, isPending },
  whenNone,
}: {
  readonly state: SqlState
  /** Shown while nothing was asked. */
  readonly whenNone: ReactNode
}) {
  if (isPending) {
    return (
      <Panel>
        <Empty title="Running…" icon="clock">
          It is stopped after 30 seconds, or when you leave.
        </Empty>
      </Panel>
    )
  }
  if (error !== null && error.name !== 'AbortError') {
    return (
      <Panel>
        <Failed error={error instanceof ApiError ? error : String(error)} />
      </Panel>
    )
  }
  if (data === undefined) return whenNone
  const rows = data.rows.length
  return (
    <Panel
      title={`${numberOf(rows)} ${rows === 1 ? 'row' : 'rows'}`}
      note={`${data.truncated ? 'There are more; raise the limit or narrow the question. ' : ''}${numberOf(data.elapsedMs)} ms`}
      flush
      actions={
        <>
          <Button
            variant="default"
            leftSection={<Icon name="download" size={14} />}
            onClick={() => downloadText('bricktrail.csv', 'text/csv', csvOf(data))}
          >
            CSV
          </Button>
          <Button
            variant="default"
            leftSection={<Icon name="download" size={14} />}
            onClick={() => downloadText('bricktrail.json', 'application/json', jsonOf(data))}
          >
            JSON
          </Button>
        </>
      }
    >
      {rows === 0 ? <Empty title="No rows" /> : <ResultTable answer={data} />}
    </Panel>
  )
}
