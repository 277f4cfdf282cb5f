/** The live stream: one connection for the page, which many parts listen to. */
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react'
import { changeOf, foreignEvents } from './live-change.ts'

/** Kinds of changes that pages listen to, where `events` are those of the account, and `use` is what people ask of Bricktrail. */
type LiveKind = 'events' | 'use' | 'alerts' | 'stage'

/** How the connection is. */
export type LiveState = 'connecting' | 'live' | 'lost'

type Listener = () => void

interface Live {
  readonly state: LiveState
  /** Calls the listener with each change of a kind; returns how to end it. */
  readonly listen: (kind: LiveKind, listener: Listener) => () => void
}

const KINDS: readonly LiveKind[] = ['events', 'use', 'alerts', 'stage']

/** A browser gives up on a stream that was refused; it is asked for again after this long, and then ever more seldom. */
const FIRST_RETRY_MS = 2000
const LONGEST_RETRY_MS = 60_000

/** Browsers open six connections to a server, for all its tabs together: a tab that nobody sees gives its one back after this long. */
const UNSEEN_MS = 20_000

const LiveContext = createContext<Live>({ state: 'connecting', listen: () => () => {} })

/** Opens the stream for everything below it. */
export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const [state, setState] = useState<LiveState>('connecting')
  const listeners = useRef(new Map<LiveKind, Set<Listener>>(KINDS.map((kind) => [kind, new Set()])))
  const queries = useQueryClient()
  useEffect(() => connect(listeners.current, setState, () => void queries.invalidateQueries()), [queries])
  const value = useMemo<Live>(
    () => ({
      state,
      listen: (kind, listener) => {
        const ofKind = listeners.current.get(kind)
        ofKind?.add(listener)
        return () => ofKind?.delete(listener)
      },
    }),
    [state],
  )
  return <LiveContext value={value}>{children}</LiveContext>
}

/**
 * Follows the stream. A stream that was cut off goes on where it was, or says `reset` where it cannot; one that was opened anew knows
 * nothing of the one before. Then `onGap` has all asked for again.
 */
function connect(
  listeners: ReadonlyMap<LiveKind, Set<Listener>>,
  setState: (state: LiveState) => void,
  onGap: () => void,
): () => void {
  let source: EventSource | undefined
  let timer: number | undefined
  let wait = FIRST_RETRY_MS
  /** What is to be done about what a closed stream did not tell. */
  let onOpened = () => {}
  const tell = (kind: LiveKind) => {
    for (const listener of listeners.get(kind) ?? []) listener()
  }
  const open = () => {
    source = new EventSource('/api/v1/stream')
    source.onopen = () => {
      wait = FIRST_RETRY_MS
      setState('live')
      onOpened()
      onOpened = () => {}
    }
    source.onerror = () => {
      setState('lost')
      if (source?.readyState !== EventSource.CLOSED) return
      onOpened = onGap
      timer = window.setTimeout(open, wait)
      wait = Math.min(LONGEST_RETRY_MS, wait * 2)
    }
    source.addEventListener('reset', onGap)
    source.addEventListener('events', ({ data }) => {
      const change = changeOf(data)
      if (foreignEvents(change) > 0 || change.rejects !== 0) tell('events')
      if (change.own !== 0) tell('use')
    })
    for (const kind of ['alerts', 'stage'] as const) source.addEventListener(kind, () => tell(kind))
  }
  const rest = () => {
    onOpened = () => {
      for (const kind of KINDS) tell(kind)
    }
    source?.close()
    setState('connecting')
  }
  const onSight = () => {
    window.clearTimeout(timer)
    if (document.hidden) timer = window.setTimeout(rest, UNSEEN_MS)
    else if (source?.readyState === EventSource.CLOSED) open()
  }
  open()
  document.addEventListener('visibilitychange', onSight)
  return () => {
    document.removeEventListener('visibilitychange', onSight)
    window.clearTimeout(timer)
    source?.close()
  }
}

/** How the stream is. */
export const useLiveState = (): LiveState => useContext(LiveContext).state

/** Calls a function with each change of a kind, as long as the part is shown. */
export function useLive(kind: LiveKind, listener: Listener): void {
  const { listen } = useContext(LiveContext)
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })
  useEffect(() => listen(kind, () => latest.current()), [kind, listen])
}
