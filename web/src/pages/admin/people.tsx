/** People who signed in, and their roles. */
import { Anchor, Modal, Radio, Stack, Table } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import type { Role } from '../../../../src/serve/contract.ts'
import type { PersonRow } from '../../../../src/serve/shapes/access.ts'
import { DialogButtons } from '../../parts/dialog-buttons.tsx'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { Tag, TimeText } from '../../parts/small.tsx'
import { Empty, Failed, StateOf } from '../../parts/state-of.tsx'
import { useAsk, useTell } from '../../queries/ask.ts'
import { useMay } from '../../queries/session.ts'
import { numberOf } from '../../times.ts'
import { explorerUrl, term } from '../../url-state.ts'
import { ROLE_CHOICES } from './roles.ts'

const FROM_WORDS: Readonly<Record<PersonRow['from'], string>> = {
  settings: 'by bricktrail.yaml',
  group: 'by a group of the identity provider',
  given: 'given here',
}

/** Everybody who ever signed in or was given a role. */
export function People() {
  const query = useAsk<{ people: PersonRow[] }>('/people')
  return (
    <Panel title="People" note="Who signed in, and what they may" flush>
      <StateOf
        query={query}
        empty={({ people }) => people.length === 0}
        whenEmpty={
          <Empty title="Nobody signed in yet" icon="person">
            People come through the identity provider of <code>bricktrail.yaml</code>, or with a link of{' '}
            <code>bricktrail token link</code>.
          </Empty>
        }
      >
        {({ people }) => (
          <ScrollTable
            label="People"
            columns={[
              { name: 'Person' },
              { name: 'Role' },
              { name: 'Last sign-in' },
              { name: 'Sessions', number: true, wide: true },
              { name: 'To do', silent: true },
            ]}
          >
            {people.map((person) => (
              <PersonLine key={person.id} person={person} />
            ))}
          </ScrollTable>
        )}
      </StateOf>
    </Panel>
  )
}

function PersonLine({ person }: { readonly person: PersonRow }) {
  const whyNot = useWhyNot('access:change', 'give roles')
  const maySeeUse = useMay('use:read')
  const [changing, setChanging] = useState(false)
  const byOthers = person.from === 'given' ? null : `The role comes ${FROM_WORDS[person.from]}. Change it there.`
  return (
    <Table.Tr>
      <Table.Td className="name-cell">
        <strong>
          <Plain text={person.name} />
        </strong>
        <div className="sub">
          {person.email === null ? null : <Plain text={person.email} />}
          {maySeeUse ? (
            <>
              {person.email === null ? null : ' · '}
              <Anchor
                component={Link}
                href={explorerUrl(`service:bricktrail ${term('actor', person.email ?? person.name)}`)}
                inherit
              >
                what they asked
              </Anchor>
            </>
          ) : null}
        </div>
      </Table.Td>
      <Table.Td>
        {person.role === null ? <Tag tone="medium">none</Tag> : person.role}
        <div className="sub">{FROM_WORDS[person.from]}</div>
      </Table.Td>
      <Table.Td>
        <TimeText iso={person.lastSignIn} />
      </Table.Td>
      <Table.Td className="number wide-only">{numberOf(person.sessions)}</Table.Td>
      <Table.Td className="buttons">
        <MayButton
          variant="default"
          size="compact-xs"
          whyNot={whyNot ?? byOthers}
          onPress={() => setChanging(true)}
          aria-label={`Change the role of ${visibleText(person.name)}`}
        >
          Change role
        </MayButton>
        {changing ? <RoleDialog person={person} onClose={() => setChanging(false)} /> : null}
      </Table.Td>
    </Table.Tr>
  )
}

function RoleDialog({ person, onClose }: { readonly person: PersonRow; readonly onClose: () => void }) {
  const [role, setRole] = useState<Role>(person.role ?? 'viewer')
  const change = useTell<PersonRow>([['people']])
  const run = async () => {
    const path = `/people/${encodeURIComponent(person.id)}/role`
    const sent = change.mutateAsync({ method: 'PUT', path, body: { role } })
    if (await sent.then(() => true).catch(() => false)) onClose()
  }
  return (
    <Modal opened onClose={onClose} title={<Plain text={`Role of ${person.name}`} />}>
      <Stack gap="sm">
        <Radio.Group aria-label="Role" value={role} onChange={(value) => setRole(value as Role)}>
          <Stack gap={8}>
            {ROLE_CHOICES.map(({ value, label, may }) => (
              <Radio key={value} value={value} label={label} description={may} />
            ))}
          </Stack>
        </Radio.Group>
        {change.error === null ? null : <Failed error={change.error} />}
        <DialogButtons
          onClose={onClose}
          submit="Give role"
          loading={change.isPending}
          disabled={role === person.role}
          onClick={() => void run()}
        />
      </Stack>
    </Modal>
  )
}
