/** Searches that somebody kept, for themselves or for everybody. */
import {
  ActionIcon,
  Alert,
  Checkbox,
  Divider,
  Group,
  Modal,
  Popover,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import type { SavedSearch } from '../../../../src/serve/shapes/access.ts'
import { DialogButtons } from '../../parts/dialog-buttons.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Plain } from '../../parts/plain.tsx'
import { StateOf } from '../../parts/state-of.tsx'
import { spanText } from '../../parts/time-range.tsx'
import { useAsk, useTell } from '../../queries/ask.ts'
import type { Search } from '../../queries/events.ts'
import { useSettings } from '../../settings.tsx'

/** A menu of kept searches, and the way to keep this one. */
export function SavedMenu({ search, onPick }: { readonly search: Search; readonly onPick: (search: Search) => void }) {
  const [isAsking, asking] = useDisclosure(false)
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Popover position="bottom-end" width={320} shadow="md" trapFocus returnFocus opened={isOpen} onChange={setOpen}>
        <Popover.Target>
          <ActionIcon aria-label="Saved searches" title="Saved searches" onClick={() => setOpen(!isOpen)}>
            <Icon name="star" />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown mah={420} className="drop scrolls" aria-label="Saved searches">
          <UnstyledButton
            className="drop-item"
            onClick={() => {
              setOpen(false)
              asking.open()
            }}
          >
            <Icon name="plus" size={14} /> Save this search
          </UnstyledButton>
          <Divider my={4} />
          <List
            onPick={(picked) => {
              setOpen(false)
              onPick(picked)
            }}
          />
        </Popover.Dropdown>
      </Popover>
      <Modal opened={isAsking} onClose={asking.close} title="Save this search" size="sm">
        <SaveForm search={search} onDone={asking.close} />
      </Modal>
    </>
  )
}

function List({ onPick }: { readonly onPick: (search: Search) => void }) {
  const searches = useAsk<{ searches: SavedSearch[] }>('/searches')
  const remove = useTell([['searches']])
  return (
    <StateOf
      query={searches}
      lines={3}
      empty={(answer) => answer.searches.length === 0}
      whenEmpty={
        <Text c="dimmed" p="xs">
          Nothing saved yet.
        </Text>
      }
    >
      {(answer) =>
        answer.searches.map((each) => (
          <Group key={each.id} gap={2} wrap="nowrap">
            <UnstyledButton className="drop-item saved" onClick={() => onPick(each)}>
              <div className="saved-name">
                <Plain text={each.name} />
                {each.shared ? <span className="quiet"> shared</span> : null}
              </div>
              <div className="saved-q quiet">
                <Plain text={each.q === '' ? 'everything' : each.q} />
              </div>
            </UnstyledButton>
            <ActionIcon
              aria-label={`Delete the saved search ${each.name}`}
              onClick={() => remove.mutate({ method: 'DELETE', path: `/searches/${encodeURIComponent(each.id)}` })}
            >
              <Icon name="close" size={12} />
            </ActionIcon>
          </Group>
        ))
      }
    </StateOf>
  )
}

function SaveForm({ search, onDone }: { readonly search: Search; readonly onDone: () => void }) {
  const { zone } = useSettings()
  const [name, setName] = useState('')
  const [isShared, setShared] = useState(false)
  const save = useTell<SavedSearch>([['searches']])
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate(
          {
            method: 'POST',
            path: '/searches',
            body: { name: name.trim(), q: search.q, from: search.from, to: search.to, shared: isShared },
          },
          { onSuccess: onDone },
        )
      }}
    >
      <Stack gap="sm">
        <TextInput
          label="Name"
          data-autofocus
          required
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Text c="dimmed">
          <code>
            <Plain text={search.q === '' ? 'everything' : search.q} />
          </code>{' '}
          · {spanText(search, zone)}
        </Text>
        <Checkbox
          label="Everybody who signs in sees it"
          checked={isShared}
          onChange={(event) => setShared(event.currentTarget.checked)}
        />
        {save.error === null ? null : (
          <Alert color="red" variant="light" role="alert">
            <Plain text={`${save.error.message} ${save.error.hint}`} />
          </Alert>
        )}
        <DialogButtons onClose={onDone} submit="Save" loading={save.isPending} disabled={name.trim() === ''} />
      </Stack>
    </form>
  )
}
