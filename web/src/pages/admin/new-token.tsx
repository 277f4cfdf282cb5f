/** Makes a token, and shows its secret this once. */
import {
  Button,
  Checkbox,
  CopyButton,
  Group,
  Modal,
  NativeSelect,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Permission, Role } from '../../../../src/serve/contract.ts'
import type { MadeToken, NewToken } from '../../../../src/serve/shapes/access.ts'
import { DialogButtons } from '../../parts/dialog-buttons.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Plain } from '../../parts/plain.tsx'
import { TimeText } from '../../parts/small.tsx'
import { Failed } from '../../parts/state-of.tsx'
import { useTell } from '../../queries/ask.ts'
import { ROLE_CHOICES, SCOPE_CHOICES } from './roles.ts'

const ENDS = [
  { value: '1d', label: 'in a day' },
  { value: '7d', label: 'in a week' },
  { value: '30d', label: 'in 30 days' },
  { value: '90d', label: 'in 90 days' },
  { value: '365d', label: 'in a year' },
]

/** The dialog; once the token is made it shows the secret instead. */
export function NewTokenDialog({ onClose }: { readonly onClose: () => void }) {
  const [made, setMade] = useState<MadeToken | null>(null)
  return (
    <Modal
      opened
      onClose={onClose}
      title={made === null ? 'New token' : 'The token is made'}
      size="lg"
      // The secret is shown once: a slip of the hand must not lose it.
      closeOnClickOutside={made === null}
      closeOnEscape={made === null}
    >
      {made === null ? <TokenForm onMade={setMade} onClose={onClose} /> : <Secret made={made} onClose={onClose} />}
    </Modal>
  )
}

function TokenForm({ onMade, onClose }: { readonly onMade: (made: MadeToken) => void; readonly onClose: () => void }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [narrow, setNarrow] = useState(false)
  const [scopes, setScopes] = useState<Permission[]>([])
  const [workspaces, setWorkspaces] = useState<string[]>([])
  const [categories, setCategories] = useState<string[]>([])
  const [expires, setExpires] = useState('90d')
  const make = useTell<MadeToken>([['tokens']])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const body: NewToken = {
      name: name.trim(),
      role,
      expires,
      ...(narrow && scopes.length > 0 ? { scopes } : {}),
      ...(workspaces.length === 0 ? {} : { workspaces }),
      ...(categories.length === 0 ? {} : { categories }),
    }
    const made = await make.mutateAsync({ method: 'POST', path: '/tokens', body }).catch(() => null)
    if (made !== null) onMade(made)
  }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="sm">
        <TextInput
          label="Name"
          description="Stands in the record of use with everything it asks."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={100}
          required
          data-autofocus
        />
        <Group grow align="flex-start">
          <NativeSelect
            label="Role"
            description={ROLE_CHOICES.find(({ value }) => value === role)?.may}
            value={role}
            onChange={(event) => setRole(event.currentTarget.value as Role)}
            data={ROLE_CHOICES.map(({ value, label }) => ({ value, label }))}
            inputWrapperOrder={['label', 'input', 'description']}
          />
          <NativeSelect
            label="Ends"
            value={expires}
            onChange={(event) => setExpires(event.currentTarget.value)}
            data={ENDS}
          />
        </Group>
        <Checkbox
          label="Only some of what the role may"
          checked={narrow}
          onChange={(event) => setNarrow(event.currentTarget.checked)}
        />
        {narrow ? (
          <Checkbox.Group label="Scopes" value={scopes} onChange={(values) => setScopes(values as Permission[])}>
            <div className="scopes">
              {SCOPE_CHOICES.map(({ value, label }) => (
                <Checkbox key={value} value={value} label={label} />
              ))}
            </div>
          </Checkbox.Group>
        ) : null}
        <Group grow align="flex-start">
          <TagsInput
            size="xs"
            label="Only these workspaces"
            description="Ids; Enter after each. Empty is all."
            value={workspaces}
            onChange={setWorkspaces}
          />
          <TagsInput
            size="xs"
            label="Only these categories"
            description="Such as data_access. Empty is all."
            value={categories}
            onChange={setCategories}
          />
        </Group>
        {make.error === null ? null : <Failed error={make.error} />}
        <DialogButtons
          onClose={onClose}
          submit="Make"
          loading={make.isPending}
          disabled={name.trim() === '' || (narrow && scopes.length === 0)}
        />
      </Stack>
    </form>
  )
}

function Secret({ made, onClose }: { readonly made: MadeToken; readonly onClose: () => void }) {
  return (
    <Stack gap="sm">
      <Text>
        Copy the secret of{' '}
        <strong>
          <Plain text={made.token.name} />
        </strong>{' '}
        now. It is shown this once, and nobody can show it again.
      </Text>
      <div className="secret">
        <code data-testid="secret">{made.secret}</code>
      </div>
      <Text size="xs" c="dimmed">
        Sent as <code>Authorization: Bearer …</code>. It ends <TimeText iso={made.token.expires} />.
      </Text>
      <Group justify="flex-end" gap="xs">
        <CopyButton value={made.secret} timeout={2000}>
          {({ copied, copy }) => (
            <Button onClick={copy} leftSection={<Icon name={copied ? 'check' : 'copy'} size={13} />} data-autofocus>
              {copied ? 'Copied' : 'Copy the secret'}
            </Button>
          )}
        </CopyButton>
        <Button variant="default" onClick={onClose}>
          I have it
        </Button>
      </Group>
    </Stack>
  )
}
