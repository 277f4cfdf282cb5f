/** Where a request came from: address, scheme and host, believing a proxy only where the settings name it. */
import { BlockList, isIP } from 'node:net'
import type { Context } from 'hono'

/** Where a request came from. */
export interface Client {
  readonly address: string
  readonly userAgent: string
  readonly scheme: 'http' | 'https'
  /** The `Host` header, in small letters. */
  readonly host: string
  /** True where a proxy should stand in between and does not: neither this machine nor a proxy asks, and without TLS. */
  readonly isOverheard: boolean
}

/** What the Node server hands over with a request; in-process requests have none of it. */
interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string; readonly encrypted?: boolean } }
}

const LOOPBACK = '127.0.0.1'

/** Reads where requests came from. */
export class Clients {
  readonly #proxies: BlockList
  readonly #hasProxies: boolean

  /** @param trusted addresses and networks (`10.0.0.0/8`) of proxies */
  constructor(trusted: readonly string[]) {
    this.#proxies = new BlockList()
    this.#hasProxies = trusted.length > 0
    for (const entry of trusted) {
      const [address = '', bits] = entry.split('/')
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      if (bits === undefined) this.#proxies.addAddress(address, family)
      else this.#proxies.addSubnet(address, Number(bits), family)
    }
  }

  /** Where this request came from. */
  of(c: Context): Client {
    const socket = (c.env as NodeBindings | undefined)?.incoming?.socket
    const peer = plain(socket?.remoteAddress ?? LOOPBACK)
    const behind = this.#isProxy(peer)
    const proto = behind ? lastOf(c.req.header('x-forwarded-proto')) : undefined
    return {
      address: behind ? this.#forwarded(c.req.header('x-forwarded-for'), peer) : peer,
      userAgent: c.req.header('user-agent') ?? '',
      scheme: proto === 'https' || (proto === undefined && socket?.encrypted === true) ? 'https' : 'http',
      host: (c.req.header('host') ?? new URL(c.req.url).host).toLowerCase(),
      // Without proxies and TLS it listens on this machine only: `checkOpenness` sees to that.
      isOverheard: this.#hasProxies && !behind && !isLoopback(peer) && socket?.encrypted !== true,
    }
  }

  /** The last address that no trusted proxy added: everything before it may be made up by the client. */
  #forwarded(header: string | undefined, peer: string): string {
    const hops = (header ?? '').split(',').map((hop) => plain(hop.trim()))
    for (const hop of hops.reverse()) {
      if (isIP(hop) === 0) return peer
      if (!this.#isProxy(hop)) return hop
    }
    return peer
  }

  #isProxy(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#proxies.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Whom an address stands for when failures are counted: one who has an IPv6 address mostly has the 2^64 beside it. */
export function neighbourhood(address: string): string {
  if (isIP(address) !== 6 || !URL.canParse(`http://[${address}]`)) return address
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [left, right] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')))
  const zeros = tail === undefined ? 0 : 8 - (left?.length ?? 0) - (right?.length ?? 0)
  const groups = [...(left ?? []), ...Array<string>(Math.max(0, zeros)).fill('0'), ...(right ?? [])]
  return `${groups.slice(0, 4).join(':')}::/64`
}

const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')

const lastOf = (header: string | undefined): string | undefined => header?.split(',').at(-1)?.trim().toLowerCase()

/** The name in a `Host` header, without its port and the brackets of an address. */
export const nameOf = (host: string): string =>
  host.startsWith('[') ? host.slice(1).replace(/\].*$/, '') : host.replace(/:\d*$/, '')

/** True for names that only this machine answers to. */
export const isLoopback = (name: string): boolean =>
  name === 'localhost' || name === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
