/** Tokens of programs: what they may, when they end, when they were last used. */
import { Anchor, Group, Switch, Table } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import type { TokenRow } from '../../../../src/serve/shapes/access.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { Tag, TimeText } from '../../parts/small.tsx'
import { Empty, StateOf } from '../../parts/state-of.tsx'
import { useAsk } from '../../queries/ask.ts'
import { useMay } from '../../queries/session.ts'
import { explorerUrl, term } from '../../url-state.ts'
import { NewTokenDialog } from './new-token.tsx'
import { scopeLabel } from './roles.ts'

/** Where a token stands. */
function standOf({ revoked, expires }: TokenRow, nowMs: number): 'in use' | 'revoked' | 'ended' {
  if (revoked !== null) return 'revoked'
  return expires !== null && Date.parse(expires) <= nowMs ? 'ended' : 'in use'
}

/** All tokens, and how to make one. */
export function Tokens() {
  const query = useAsk<{ tokens: TokenRow[] }>('/tokens')
  const whyNot = useWhyNot('access:change', 'make tokens')
  const [making, setMaking] = useState(false)
  const [all, setAll] = useState(false)
  return (
    <Panel
      title="Tokens"
      note="For programs. Bricktrail keeps a digest of the secret, never the secret."
      actions={
        <>
          <Switch
            label="Also those that ended"
            checked={all}
            onChange={(event) => setAll(event.currentTarget.checked)}
          />
          <MayButton whyNot={whyNot} onPress={() => setMaking(true)}>
            New token
          </MayButton>
        </>
      }
      flush
    >
      <StateOf
        query={query}
        empty={({ tokens }) => shownOf(tokens, all).length === 0}
        whenEmpty={
          <Empty title={all ? 'No tokens yet' : 'No token is in use'} icon="lock">
            A token lets a program ask the API, for no longer and no more than it is made for.
          </Empty>
        }
      >
        {({ tokens }) => (
          <ScrollTable
            label="Tokens"
            columns={[
              { name: 'Token' },
              { name: 'May' },
              { name: 'Last used', wide: true },
              { name: 'Made', wide: true },
              { name: 'To do', silent: true },
            ]}
          >
            {shownOf(tokens, all).map((token) => (
              <TokenLine key={token.id} token={token} />
            ))}
          </ScrollTable>
        )}
      </StateOf>
      {making ? <NewTokenDialog onClose={() => setMaking(false)} /> : null}
    </Panel>
  )
}

const shownOf = (tokens: readonly TokenRow[], all: boolean): readonly TokenRow[] =>
  all ? tokens : tokens.filter((token) => standOf(token, Date.now()) === 'in use')

function TokenLine({ token }: { readonly token: TokenRow }) {
  const whyNot = useWhyNot('access:change', 'revoke tokens')
  const maySeeUse = useMay('use:read')
  const [revoking, setRevoking] = useState(false)
  const stand = standOf(token, Date.now())
  return (
    <Table.Tr>
      <Table.Td className="name-cell">
        <Group gap={6}>
          <strong>
            <Plain text={token.name} />
          </strong>
          {stand === 'in use' ? null : <Tag>{stand}</Tag>}
        </Group>
        <div className="sub">
          <code>{visibleText(token.id)}</code>
          {maySeeUse ? (
            <>
              {' · '}
              <Anchor component={Link} href={explorerUrl(`service:bricktrail ${term('actor', token.name)}`)} inherit>
                what it asked
              </Anchor>
            </>
          ) : null}
        </div>
      </Table.Td>
      <Table.Td className="token-may">
        <TokenMay token={token} />
        <div className="sub">
          {token.revoked === null ? 'until' : 'revoked'} <TimeText iso={token.revoked ?? token.expires} />
        </div>
      </Table.Td>
      <Table.Td className="wide-only">
        {token.lastUsed === null ? <span className="none">never</span> : <TimeText iso={token.lastUsed} as="ago" />}
      </Table.Td>
      <Table.Td className="wide-only">
        <TimeText iso={token.created} />
        <div className="sub">
          by <Plain text={token.createdBy} />
        </div>
      </Table.Td>
      <Table.Td className="buttons">
        {stand === 'in use' ? (
          <MayButton
            variant="default"
            size="compact-xs"
            whyNot={whyNot}
            onPress={() => setRevoking(true)}
            aria-label={`Revoke ${visibleText(token.name)}`}
          >
            Revoke
          </MayButton>
        ) : null}
        {revoking ? (
          <Confirm
            title="Revoke this token?"
            action="Revoke"
            told={{ method: 'DELETE', path: `/tokens/${encodeURIComponent(token.id)}` }}
            outdated={[['tokens']]}
            onClose={() => setRevoking(false)}
          >
            Programs that use <strong>{visibleText(token.name)}</strong> are refused from now on. It cannot be taken
            back.
          </Confirm>
        ) : null}
      </Table.Td>
    </Table.Tr>
  )
}

function TokenMay({ token }: { readonly token: TokenRow }) {
  const { role, scopes, rows } = token
  const limits = [
    ...(rows.workspaces === undefined ? [] : [`workspaces ${rows.workspaces.join(', ')}`]),
    ...(rows.categories === undefined ? [] : [`categories ${rows.categories.join(', ')}`]),
  ]
  return (
    <>
      {role}
      {scopes === null ? null : <div className="sub">only: {scopes.map(scopeLabel).join('; ')}</div>}
      {limits.length === 0 ? null : (
        <div className="sub">
          sees <Plain text={limits.join('; ')} />
        </div>
      )}
    </>
  )
}
