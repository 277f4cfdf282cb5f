/** What a reader chose for this browser: zone of times, columns. Kept in the browser only. */
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react'

/** In which zone times are shown. */
export type Zone = 'local' | 'utc'

interface Settings {
  readonly zone: Zone
  readonly setZone: (zone: Zone) => void
}

const SettingsContext = createContext<Settings>({ zone: 'local', setZone: () => {} })

/** A value of the browser's own store; the fallback where there is none, or the store is closed. */
export function kept<T>(name: string, fallback: T): T {
  try {
    const text = localStorage.getItem(`bricktrail-${name}`)
    return text === null ? fallback : (JSON.parse(text) as T)
  } catch {
    return fallback
  }
}

/** Keeps a value in the browser's own store, where that is open. */
export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(`bricktrail-${name}`, JSON.stringify(value))
  } catch {
    // A choice that is forgotten is no reason to fail.
  }
}

/** Gives everything below it the reader's choices. */
export function SettingsProvider({ children }: { readonly children: ReactNode }) {
  const [zone, setState] = useState<Zone>(() => (kept<Zone>('zone', 'local') === 'utc' ? 'utc' : 'local'))
  const setZone = useCallback((next: Zone) => {
    setState(next)
    keep('zone', next)
  }, [])
  const value = useMemo(() => ({ zone, setZone }), [zone, setZone])
  return <SettingsContext value={value}>{children}</SettingsContext>
}

/** The reader's choices. */
export const useSettings = (): Settings => useContext(SettingsContext)
