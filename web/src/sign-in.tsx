/** The way in: the site's identity provider, a token, or a link from the terminal. */
import { Alert, Anchor, Button, Divider, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { ApiError } from './api.ts'
import { Brand } from './brand.tsx'
import { Plain } from './parts/plain.tsx'
import { StateOf } from './parts/state-of.tsx'
import { useSignInWays, useTokenSignIn } from './queries/session.ts'

/** The sign-in page. */
export function SignIn() {
  const ways = useSignInWays()
  return (
    <main className="sign-in">
      <div className="sign-in-box">
        <Brand />
        <Title order={1} mt="md">
          Sign in
        </Title>
        <Text c="dimmed" mb="md">
          What you look at here is itself recorded in the audit trail.
        </Text>
        <Refusal />
        <StateOf query={ways} lines={3}>
          {({ oidc, token }) => (
            <Stack gap="sm">
              {oidc === null ? null : (
                <Button component="a" href={oidc.start} size="sm" fullWidth>
                  Continue with&nbsp;
                  <Plain text={oidc.name} />
                </Button>
              )}
              {oidc !== null && token ? <Divider label="or" /> : null}
              {token ? <TokenForm /> : null}
            </Stack>
          )}
        </StateOf>
        <Text size="xs" c="dimmed" mt="lg">
          On the machine that runs it, <code>bricktrail token link</code> prints a link that signs you in once.
        </Text>
      </div>
    </main>
  )
}

const REFUSALS: Readonly<Record<string, string>> = {
  link: 'The link does not count any more: each signs in once, and within ten minutes. Ask for a new one.',
  oidc: 'The identity provider did not sign you in. Try again; if it stays so, ask whoever administers Bricktrail.',
  'no-role': 'You are who you say, but nobody has given you a role in Bricktrail yet.',
  locked: 'There were too many failed tries. Wait a while, then try again.',
  unrecorded: 'Nobody is let in while what people do cannot be recorded. Whoever runs Bricktrail can see why.',
}

/** Why a link or the identity provider led back here: the address names a reason, the words are the page's own. */
function Refusal() {
  const words = REFUSALS[new URLSearchParams(window.location.search).get('signin') ?? '']
  if (words === undefined) return null
  return (
    <Alert color="red" variant="light" mb="sm" role="alert">
      {words}
    </Alert>
  )
}

function TokenForm() {
  const [token, setToken] = useState('')
  const signIn = useTokenSignIn()
  const problem = signIn.error instanceof ApiError ? signIn.error : null
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (token.trim() !== '') signIn.mutate(token.trim())
      }}
    >
      <Stack gap="xs">
        <PasswordInput
          label="Token"
          placeholder="btk_…"
          autoComplete="off"
          size="sm"
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          error={problem === null ? null : <Plain text={`${problem.message} ${problem.hint}`} />}
        />
        <Button type="submit" size="sm" variant="default" loading={signIn.isPending} disabled={token.trim() === ''}>
          Sign in with the token
        </Button>
      </Stack>
    </form>
  )
}

/** Shown where even who is signed in could not be asked. */
export function Unreachable({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  return (
    <main className="sign-in">
      <div className="sign-in-box">
        <Brand />
        <Alert color="red" variant="light" mt="md" role="alert">
          <Plain text={error instanceof ApiError ? `${error.message} ${error.hint}` : String(error)} />
        </Alert>
        <Anchor component="button" mt="sm" onClick={onRetry}>
          Try again
        </Anchor>
      </div>
    </main>
  )
}
