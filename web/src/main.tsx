import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './styles/frame.css'
import './styles/panels.css'
import './styles/small.css'
import './styles/charts.css'
import './styles/events.css'
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api.ts'
import { App } from './app.tsx'
import { cssVariables, theme } from './theme.ts'

/** A file that stays away must not make the page reload without end. */
const LEAST_BETWEEN_RELOADS_MS = 30_000

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
// What locks the page's scrolling while a dialog is open makes a style element, and looks for its nonce here.
Object.assign(globalThis, { __webpack_nonce__: nonce })

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => {
      // The session ended: who is signed in is asked anew, which leads to the sign-in page.
      if (error instanceof ApiError && error.status === 401 && query.queryKey.join() !== 'me') {
        void queries.invalidateQueries({ queryKey: ['me'] })
      }
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: false,
      // Only what may be different the next time: a question that is wrong stays wrong.
      retry: (times, error) => times < 2 && error instanceof ApiError && (error.status === 0 || error.status === 503),
    },
  },
})

// After an update of the server the files that this page would load are gone: it begins anew, with the new ones.
window.addEventListener('vite:preloadError', () => {
  const last = Number(sessionStorage.getItem('bricktrail-reloaded') ?? 0)
  if (Date.now() - last < LEAST_BETWEEN_RELOADS_MS) return
  sessionStorage.setItem('bricktrail-reloaded', String(Date.now()))
  window.location.reload()
})

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no root.')
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      colorSchemeManager={localStorageColorSchemeManager({ key: 'bricktrail-scheme' })}
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queries}>
        <App />
        <Notifications position="bottom-right" limit={3} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
