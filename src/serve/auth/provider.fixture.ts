/** A real OpenID provider on this machine, and a browser that signs in there. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the provider knows of its people, by the name they sign in with. */
export type Accounts = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A provider that listens. */
export interface RunningProvider {
  readonly issuer: string
  close(): Promise<void>
}

/** The one client of the provider. */
export const CLIENT = { id: 'bricktrail', secret: 'a secret of the client' } as const

interface ProviderClass {
  new (issuer: string, configuration: object): { callback(): Parameters<typeof createServer>[1] & object }
}

/** The package has no types of its own. */
const PACKAGE: string = 'oidc-provider'

/** Starts a provider, on a free port where none is given, that sends browsers back to `redirectUri`. */
export async function startProvider(accounts: Accounts, redirectUri: string, port = 0): Promise<RunningProvider> {
  const { default: Provider } = (await import(PACKAGE)) as { default: ProviderClass }
  const server: Server = createServer()
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        token_endpoint_auth_method: 'client_secret_post',
        redirect_uris: [redirectUri],
      },
    ],
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    pkce: { required: () => true },
    cookies: { keys: ['of the test'] },
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
  })
  server.on('request', provider.callback())
  return {
    issuer,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** Signs in as `login` at the provider and consents; returns where it sends the browser back to. */
export async function signInAt(authorizationUrl: string, login: string, backTo: string): Promise<URL> {
  const cookies = new Map<string, string>()
  let [url, form]: [string, URLSearchParams | undefined] = [authorizationUrl, undefined]
  for (let step = 0; step < 12; step++) {
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    form = undefined
    const location = answer.headers.get('location')
    const text = await answer.text()
    if (location !== null) {
      url = new URL(location, url).href
      if (url.startsWith(backTo)) return new URL(url)
      continue
    }
    if (answer.status !== 200) throw new Error(`the provider says ${answer.status}: ${text.slice(0, 500)}`)
    const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1] ?? ''
    url = new URL(/action="([^"]+)"/.exec(text)?.[1] ?? url, url).href
    form = new URLSearchParams({ prompt, ...(prompt === 'login' ? { login, password: 'x' } : {}) })
  }
  throw new Error('the provider leads nowhere')
}
