/** What a question looks like while it is open, when it failed, when it may not be asked and when there is nothing. */
import { Button, Group, Skeleton, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { ApiError } from '../api.ts'
import { Icon, type IconName } from './icon.tsx'
import { Hint, Plain } from './plain.tsx'

/** What {@link StateOf} needs of a question. */
export interface Asked<T> {
  readonly data: T | undefined
  readonly error: unknown
  readonly isPending: boolean
  readonly refetch: () => unknown
}

/** Choices of {@link StateOf}. */
export interface StateOfProps<T> {
  readonly query: Asked<T>
  readonly children: (data: T) => ReactNode
  /** True where the answer holds nothing to show. */
  readonly empty?: (data: T) => boolean
  /** Shown then. */
  readonly whenEmpty?: ReactNode
  /** Lines of the placeholder while it loads. */
  readonly lines?: number
}

/** Shows the answer to a question, or why there is none. */
export function StateOf<T>({ query, children, empty, whenEmpty, lines = 4 }: StateOfProps<T>) {
  if (query.data !== undefined) {
    if (empty?.(query.data) === true) return <>{whenEmpty ?? <Empty title="Nothing here" />}</>
    return <>{children(query.data)}</>
  }
  if (query.error !== null && query.error !== undefined) {
    return <Failed error={query.error} onRetry={() => void query.refetch()} />
  }
  return <Loading lines={lines} />
}

/** Grey lines in the place of what is on its way. */
export function Loading({ lines = 4 }: { readonly lines?: number }) {
  return (
    <Stack gap={8} p="sm" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <Skeleton key={at} height={12} width={`${92 - ((at * 17) % 40)}%`} radius="xs" />
      ))}
    </Stack>
  )
}

/** A quiet word in the place of what there is not. */
export function Empty({
  title,
  children,
  icon = 'info',
}: {
  readonly title: ReactNode
  readonly children?: ReactNode
  readonly icon?: IconName
}) {
  return (
    <div className="state">
      <span className="state-icon">
        <Icon name={icon} size={20} />
      </span>
      <Text fw={600}>{title}</Text>
      {children === undefined ? null : <div className="state-words">{children}</div>}
    </div>
  )
}

/** What went wrong, what to do about it, and how to try again; for 403, who may. */
export function Failed({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  if (error instanceof ApiError && error.status === 403) return <Forbidden error={error} />
  const problem = error instanceof ApiError ? error : null
  return (
    <div className="state" role="alert">
      <span className="state-icon bad">
        <Icon name="incidents" size={20} />
      </span>
      <Text fw={600}>
        <Plain text={problem?.message ?? 'Something in the page went wrong.'} />
      </Text>
      <div className="state-words">
        {problem === null ? <Plain text={String(error)} /> : <Hint text={problem.hint} />}
      </div>
      {problem?.errors.map(({ name, message }) => (
        <div className="state-words" key={name}>
          <code>{name}</code>: <Plain text={message} />
        </div>
      ))}
      <Group gap="sm" justify="center">
        {onRetry === undefined ? null : (
          <Button variant="default" onClick={onRetry} leftSection={<Icon name="refresh" size={14} />}>
            Try again
          </Button>
        )}
        {problem === null ? null : <ProblemCode problem={problem} />}
      </Group>
    </div>
  )
}

/** The code of a problem and the id of the request, for whoever is asked for help. */
function ProblemCode({ problem }: { readonly problem: ApiError }) {
  return (
    <Text size="xs" c="dimmed" ff="monospace">
      {problem.code}
      {problem.requestId === '' ? '' : ` · ${problem.requestId}`}
    </Text>
  )
}

/** Says that the role of who is signed in does not reach so far. */
export function Forbidden({ error }: { readonly error?: ApiError }) {
  return (
    <div className="state" role="note">
      <span className="state-icon">
        <Icon name="lock" size={20} />
      </span>
      <Text fw={600}>Your role does not show you this</Text>
      <div className="state-words">
        {error === undefined ? null : (
          <p>
            <Plain text={error.message} />
          </p>
        )}
        Whoever administers Bricktrail can give you another role. That you asked is on record.
      </div>
    </div>
  )
}
