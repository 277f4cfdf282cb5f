/** Small parts: times, levels, states, numbers that lead to their events. */
import { Anchor, CopyButton, Tooltip, UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { useSettings } from '../settings.tsx'
import { agoOf, partsOf, timeOf } from '../times.ts'
import { entityUrl } from '../url-state.ts'
import { Icon } from './icon.tsx'
import { LEVELS } from './levels.ts'
import { Plain, visibleText } from './plain.tsx'

/** An instant in the reader's zone; the other way of saying it is in its title. */
export function TimeText({
  iso,
  as = 'full',
}: {
  readonly iso: string | null | undefined
  /** `full` is day and clock, `precise` has milliseconds, `ago` is the distance to now, `clock` has no day. */
  readonly as?: 'full' | 'precise' | 'ago' | 'clock'
}) {
  const { zone } = useSettings()
  if (iso === null || iso === undefined) return <span className="none">–</span>
  const parts = partsOf(iso, zone)
  if (parts === null) return <Plain text={iso} />
  const full = `${parts.day} ${parts.clock} ${parts.zone}`
  const text =
    as === 'ago' ? agoOf(iso) : as === 'clock' ? parts.clock.slice(0, 8) : timeOf(iso, zone, as === 'precise')
  return (
    <time dateTime={iso} title={as === 'ago' ? full : `${full} · ${agoOf(iso)}`} className="time">
      {text}
    </time>
  )
}

/** How bad something is: a word with a colour. */
export function LevelBadge({ level }: { readonly level: string }) {
  const known = LEVELS.find((each) => each === level) ?? 'informational'
  return <span className={`badge level-${known}`}>{known === level ? level : <Plain text={level} />}</span>
}

const STATUS_TONES: Readonly<Record<string, string>> = {
  SUCCESS: 'good',
  UNAUTHORIZED: 'high',
  FAILURE: 'medium',
}

/** How an event ended. */
export function StatusText({ status, code }: { readonly status: string | null; readonly code?: number | null }) {
  if (status === null) return <span className="none">–</span>
  return (
    <span className={`status tone-${STATUS_TONES[status] ?? 'informational'}`}>
      <Plain text={status.toLowerCase()} />
      {code === null || code === undefined || code === 200 ? null : <span className="status-code">{code}</span>}
    </span>
  )
}

/** A word in a tone: `good`, `low`, `medium`, `high`, `critical` or `informational`. */
export function Tag({ tone = 'informational', children }: { readonly tone?: string; readonly children: ReactNode }) {
  return <span className={`badge level-${tone}`}>{children}</span>
}

/** A name that leads to the page of what it names. */
export function EntityLink({
  kind,
  id,
  children,
}: {
  readonly kind: 'actor' | 'target' | 'ip'
  readonly id: string | null
  readonly children?: ReactNode
}) {
  if (id === null || id === '') return <span className="none">–</span>
  return (
    <Anchor component={Link} href={entityUrl(kind, id)} inherit>
      {children ?? <Plain text={id} />}
    </Anchor>
  )
}

/** A value of an event, or a dash. */
export const Value = ({ text }: { readonly text: string | null | undefined }) =>
  text === null || text === undefined || text === '' ? <span className="none">–</span> : <Plain text={text} />

/** Copies a text. */
export function Copy({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  return (
    <CopyButton value={text} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <UnstyledButton className="copy" onClick={copy} aria-label={copied ? 'Copied' : label}>
            <Icon name={copied ? 'check' : 'copy'} size={13} />
          </UnstyledButton>
        </Tooltip>
      )}
    </CopyButton>
  )
}

/** An id or hash in fixed width, cut in the middle where it is long, with a way to copy it whole. */
export function IdText({ id, most = 20 }: { readonly id: string; readonly most?: number }) {
  const seen = visibleText(id)
  const half = Math.floor(most / 2)
  return (
    <span className="id-text">
      <code title={seen}>{seen.length > most ? `${seen.slice(0, half)}…${seen.slice(-half + 2)}` : seen}</code>
      <Copy text={id} label="Copy whole" />
    </span>
  )
}
