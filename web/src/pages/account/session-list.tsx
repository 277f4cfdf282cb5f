/** Who is signed in, since when and from where; and an end to it. */
import { Button, Group, Table } from '@mantine/core'
import { useState } from 'react'
import type { SessionRow } from '../../../../src/serve/shapes/access.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { MayButton } from '../../parts/may.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { EntityLink, Tag, TimeText } from '../../parts/small.tsx'
import { Empty, StateOf } from '../../parts/state-of.tsx'
import { useAsk } from '../../queries/ask.ts'
import { useSignOut } from '../../queries/session.ts'

const WAY_WORDS: Readonly<Record<SessionRow['way'], string>> = {
  token: 'with a token',
  link: 'with a link',
  oidc: 'by the identity provider',
}

/** Choices of {@link SessionList}. */
export interface SessionListProps {
  /** Where the sessions are listed, and each below its id. */
  readonly path: '/sessions' | '/me/sessions'
  /** Why none can be ended; null where they can. */
  readonly whyNot: string | null
}

/** The sessions that have not ended, the newest first. */
export function SessionList({ path, whyNot }: SessionListProps) {
  const query = useAsk<{ sessions: SessionRow[] }>(path)
  return (
    <StateOf
      query={query}
      empty={({ sessions }) => sessions.length === 0}
      whenEmpty={
        <Empty title="Nobody is signed in" icon="person">
          Programs with tokens have no sessions.
        </Empty>
      }
    >
      {({ sessions }) => (
        <ScrollTable
          label="Sessions"
          columns={[
            { name: 'Who' },
            { name: 'Last use' },
            { name: 'From', wide: true },
            { name: 'Signed in', wide: true },
            { name: 'Ends at the latest', wide: true },
            { name: 'To do', silent: true },
          ]}
        >
          {sessions.map((session) => (
            <SessionLine key={session.id} session={session} path={path} whyNot={whyNot} />
          ))}
        </ScrollTable>
      )}
    </StateOf>
  )
}

function SessionLine({ session, path, whyNot }: { readonly session: SessionRow } & SessionListProps) {
  const { id, name, way, role, began, lastSeen, expires, address, own } = session
  return (
    <Table.Tr>
      <Table.Td className="name-cell">
        <Group gap={6}>
          <strong>
            <Plain text={name} />
          </strong>
          {own ? <Tag tone="good">this one</Tag> : null}
        </Group>
        <div className="sub">
          {role}, {WAY_WORDS[way]}
        </div>
      </Table.Td>
      <Table.Td>
        <TimeText iso={lastSeen} as="ago" />
      </Table.Td>
      <Table.Td className="wide-only">
        <EntityLink kind="ip" id={address} />
      </Table.Td>
      <Table.Td className="wide-only">
        <TimeText iso={began} />
      </Table.Td>
      <Table.Td className="wide-only">
        <TimeText iso={expires} />
      </Table.Td>
      <Table.Td className="buttons">
        {own ? <SignOut /> : <End told={`${path}/${encodeURIComponent(id)}`} name={name} whyNot={whyNot} />}
      </Table.Td>
    </Table.Tr>
  )
}

/** To end the session of this page is to sign out. */
function SignOut() {
  const signOut = useSignOut()
  return (
    <Button variant="default" size="compact-xs" loading={signOut.isPending} onClick={() => signOut.mutate()}>
      Sign out
    </Button>
  )
}

function End({ told, name, whyNot }: { readonly told: string; readonly name: string; readonly whyNot: string | null }) {
  const [asking, setAsking] = useState(false)
  return (
    <>
      <MayButton
        variant="default"
        size="compact-xs"
        whyNot={whyNot}
        onPress={() => setAsking(true)}
        aria-label={`End a session of ${visibleText(name)}`}
      >
        End
      </MayButton>
      {asking ? (
        <Confirm
          title="End this session?"
          action="End"
          told={{ method: 'DELETE', path: told }}
          outdated={[['sessions'], ['me', 'sessions'], ['people']]}
          onClose={() => setAsking(false)}
        >
          That browser is signed out at once. Whoever has it can sign in again, if they still may.
        </Confirm>
      ) : null}
    </>
  )
}
