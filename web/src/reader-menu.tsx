/** What belongs to the reader: who is signed in, theme, zone of times, the way out; and whether the page is live. */
import { Divider, Popover, Tooltip, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link } from 'wouter'
import type { Me } from '../../src/serve/shapes/access.ts'
import { type LiveState, useLiveState } from './live.tsx'
import { Choice } from './parts/choice.tsx'
import { Icon } from './parts/icon.tsx'
import { Plain } from './parts/plain.tsx'
import { TimeText } from './parts/small.tsx'
import { useSignOut } from './queries/session.ts'
import { useSettings } from './settings.tsx'

const LIVE_WORDS: Readonly<Record<LiveState, readonly [string, string]>> = {
  live: ['Live', 'New events and alerts show up by themselves.'],
  connecting: ['Connecting', 'The live stream is being opened.'],
  lost: ['Not live', 'The live stream is closed; what you see may be out of date. It is tried again.'],
}

/** Whether news arrive by themselves. */
export function LiveMark() {
  const state = useLiveState()
  const [word, told] = LIVE_WORDS[state]
  return (
    <Tooltip label={told} multiline maw={260}>
      <span className={`live live-${state}`} role="status">
        {word}
      </span>
    </Tooltip>
  )
}

/** The reader's menu. */
export function ReaderMenu({ me }: { readonly me: Me }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { zone, setZone } = useSettings()
  const signOut = useSignOut()
  const [isOpen, { toggle, close }] = useDisclosure(false)
  return (
    <Popover position="top-start" width={270} shadow="md" trapFocus returnFocus opened={isOpen} onDismiss={close}>
      <Popover.Target>
        <UnstyledButton
          className="reader"
          aria-label={`${me.name}, ${me.role}: settings and sign out`}
          onClick={toggle}
        >
          <Icon name="person" size={14} />
          <span className="reader-name">
            <Plain text={me.name} />
          </span>
          <Icon name="up" size={11} />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className="drop" aria-label="Settings and sign out">
        <div className="reader-about">
          <strong>
            <Plain text={me.name} />
          </strong>
          <div className="quiet">
            {me.role}
            {me.masks.length === 0 ? '' : ` · hidden: ${me.masks.join(', ')}`}
          </div>
          {me.expires === null ? null : (
            <div className="quiet">
              Signed in until <TimeText iso={me.expires} />
            </div>
          )}
        </div>
        <Divider my={4} />
        <Choice
          label="Theme"
          value={colorScheme}
          data={[
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
            { value: 'auto', label: 'System' },
          ]}
          onChange={setColorScheme}
        />
        <Choice
          label="Times"
          value={zone}
          data={[
            { value: 'local', label: 'Local' },
            { value: 'utc', label: 'UTC' },
          ]}
          onChange={setZone}
        />
        <Divider my={4} />
        <Link href="/account" className="drop-item" onClick={close}>
          <Icon name="person" size={14} /> Account and sessions
        </Link>
        <a href="/docs" className="drop-item">
          <Icon name="external" size={14} /> API reference
        </a>
        <UnstyledButton className="drop-item" onClick={() => signOut.mutate()}>
          <Icon name="out" size={14} /> Sign out
        </UnstyledButton>
      </Popover.Dropdown>
    </Popover>
  )
}
