/** The frame around every page: navigation, and what belongs to the reader rather than to a page. */
import { AppShell, Burger, Group, Loader, NavLink, ScrollArea, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useEffect } from 'react'
import { Link, useLocation } from 'wouter'
import type { Me } from '../../src/serve/shapes/access.ts'
import { Brand } from './brand.tsx'
import { LiveProvider } from './live.tsx'
import { Caught } from './parts/caught.tsx'
import { Icon } from './parts/icon.tsx'
import { MeContext, useSession } from './queries/session.ts'
import { LiveMark, ReaderMenu } from './reader-menu.tsx'
import { DESTINATIONS, destinationOf, Routes } from './routes.tsx'
import { SettingsProvider } from './settings.tsx'
import { SignIn, Unreachable } from './sign-in.tsx'

/** The whole page. */
export function App() {
  const session = useSession()
  if (session.data === undefined) {
    if (session.error !== null) return <Unreachable error={session.error} onRetry={() => void session.refetch()} />
    return (
      <div className="starting">
        <Loader size="sm" aria-label="Loading" />
      </div>
    )
  }
  if (session.data === null) return <SignIn />
  return (
    <MeContext value={session.data}>
      <SettingsProvider>
        <LiveProvider>
          <Frame me={session.data} />
        </LiveProvider>
      </SettingsProvider>
    </MeContext>
  )
}

function Frame({ me }: { readonly me: Me }) {
  const [isOpen, { toggle, close }] = useDisclosure(false)
  const [path] = useLocation()
  useTitle(path)
  return (
    <AppShell
      layout="alt"
      header={{ height: { base: 46, md: 0 } }}
      navbar={{ width: 196, breakpoint: 'md', collapsed: { mobile: !isOpen } }}
      padding={0}
    >
      <a href="#content" className="skip">
        Skip to content
      </a>
      <AppShell.Header className="top" hiddenFrom="md">
        <Burger opened={isOpen} onClick={toggle} size="sm" aria-label="Navigation" />
        <UnstyledButton component={Link} href="/" aria-label="Bricktrail, overview">
          <Brand />
        </UnstyledButton>
      </AppShell.Header>
      <AppShell.Navbar className="side">
        <Group className="side-brand" justify="space-between">
          <Link href="/" aria-label="Bricktrail, overview">
            <Brand />
          </Link>
          <Burger opened={isOpen} onClick={toggle} hiddenFrom="md" size="sm" aria-label="Close navigation" />
        </Group>
        <ScrollArea className="side-links">
          <Navigation me={me} path={path} onGo={close} />
        </ScrollArea>
        <div className="side-foot">
          <ReaderMenu me={me} />
          <div className="side-state">
            <LiveMark />
            <span>{me.version}</span>
          </div>
        </div>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <Caught key={path.split('/')[1]}>
          <Routes />
        </Caught>
      </AppShell.Main>
    </AppShell>
  )
}

function Navigation({ me, path, onGo }: { readonly me: Me; readonly path: string; readonly onGo: () => void }) {
  const shown = DESTINATIONS.filter(({ needs }) => me.permissions.includes(needs))
  const here = destinationOf(path)
  const groups = [...new Set(shown.map(({ group }) => group))]
  return (
    <nav aria-label="Pages">
      {groups.map((group) => (
        <div key={group} className="side-group">
          <div className="side-title">{group}</div>
          {shown
            .filter((each) => each.group === group)
            .map((each) => (
              <NavLink
                key={each.path}
                component={Link}
                href={each.href ?? each.path}
                label={each.name}
                leftSection={<Icon name={each.icon} />}
                active={each === here}
                {...(each === here ? { 'aria-current': each.path === path ? ('page' as const) : true } : {})}
                onClick={onGo}
              />
            ))}
        </div>
      ))}
    </nav>
  )
}

function useTitle(path: string): void {
  useEffect(() => {
    const name = path === '/account' ? 'Your account' : destinationOf(path)?.name
    document.title = name === undefined ? 'Bricktrail' : `${name} · Bricktrail`
  }, [path])
}
