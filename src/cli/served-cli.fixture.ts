/** The same command on a home and over a server that listens on it. */
import type { Home } from '../core/home.ts'
import type { Role } from '../serve/contract.ts'
import type { Served } from '../serve/served.fixture.ts'
import { type Listening, listen } from '../serve/server.ts'
import { USUAL_SETTINGS } from '../serve/settings.ts'
import type { RegisterCommand, ServerWish } from './contract.ts'
import { type Recorded, type RecordedOptions, runCommand } from './recorded-cli.fixture.ts'

/** What a test changes of the terminal, and whose token it asks with; an admin's where absent. */
export interface OverServer extends Partial<Omit<RecordedOptions, 'home' | 'server'>> {
  readonly as?: Role
  /** In place of the token of a role. */
  readonly token?: string
  readonly wish?: Partial<ServerWish>
}

/** A server that listens, and command lines that ask it. */
export interface ServedCli {
  readonly url: string
  /** Over the server. */
  over(register: RegisterCommand, argv: readonly string[], options?: OverServer): Promise<Recorded>
  /** On the home itself. */
  on(register: RegisterCommand, argv: readonly string[], options?: Partial<RecordedOptions>): Promise<Recorded>
  close(): Promise<void>
}

/** Lets a server listen on a free port of this machine. */
export async function servedCli(served: Served, home: Home): Promise<ServedCli> {
  const listening: Listening = await listen(served.app, { host: '127.0.0.1', port: 0, settings: USUAL_SETTINGS })
  return {
    url: listening.url,
    over: (register, argv, { as = 'admin', token, wish, ...options } = {}) =>
      runCommand(register, argv, {
        ...options,
        home: '/nowhere',
        server: { address: listening.url, plainHttp: false, token: token ?? served.tokens[as], ...wish },
      }),
    on: (register, argv, options = {}) => runCommand(register, argv, { ...options, home: home.root }),
    close: () => listening.close(200),
  }
}
