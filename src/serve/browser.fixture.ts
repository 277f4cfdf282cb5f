/** A browser as far as the server can tell: it keeps cookies, and says where its requests come from. */
import type { Ask, Served } from './served.fixture.ts'

/** What a request of a browser adds. */
export interface Visit extends Ask {
  /** Where the page that asks is from; the server's own page where absent. */
  readonly site?: 'same-origin' | 'same-site' | 'cross-site' | 'none'
  readonly origin?: string
}

/** A browser with cookies of its own. */
export class Browser {
  readonly cookies = new Map<string, string>()
  /** `Set-Cookie` lines of the last answer. */
  setCookies: readonly string[] = []
  readonly #served: Served

  constructor(served: Served) {
    this.#served = served
  }

  async visit(path: string, { site = 'same-origin', origin, ...ask }: Visit = {}): Promise<Response> {
    const headers = new Headers(ask.headers)
    headers.set('sec-fetch-site', site)
    if (origin !== undefined) headers.set('origin', origin)
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    if (cookie !== '') headers.set('cookie', cookie)
    const answer = await this.#served.fetch(path, { ...ask, headers })
    this.setCookies = answer.headers.getSetCookie()
    for (const line of this.setCookies) this.#keep(line)
    return answer
  }

  /** The token against forged requests of the session. */
  async csrf(): Promise<string> {
    const me = (await (await this.visit('/api/v1/me')).json()) as { csrf: string }
    return me.csrf
  }

  #keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (value === '' || /max-age=0/i.test(line)) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}
