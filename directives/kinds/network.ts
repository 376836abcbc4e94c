import { isIP } from 'node:net'
import { type Kind, NotBuiltError } from '../kind.ts'
import { oneWord } from './combinators.ts'

export interface Address {
  /** An address or a host name; `::` for every address. */
  readonly host: string
  /** 0: a free one. */
  readonly port: number
}

/** `8080` and `*:8080` listen on every address, as in Apache. */
export const address: Kind<Address> = oneWord({
  syntax: '[ADDRESS:]PORT',
  expects: 'PORT, ADDRESS:PORT or [IPV6-ADDRESS]:PORT',
  read(word) {
    const found = /^(?:(?:\[([^\]]+)\]|([^[\]:]+)):)?(\d{1,5})$/.exec(word)
    if (found === null || Number(found[3]) > 65535) return undefined
    const [, v6, name = '*', port] = found
    if (v6 === undefined ? !isHost(name) : isIP(v6) !== 6) return undefined
    return { host: v6 ?? (name === '*' ? '::' : name), port: Number(port) }
  },
  show: ({ host, port }) =>
    host === '::' ? `*:${port}` : host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
})

// four numbers that are no address would be looked up as a name
const isHost = (name: string): boolean =>
  name === '*' || (/^[\d.]+$/.test(name) ? isIP(name) === 4 : hostPattern.test(name))

const hostPattern = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$/

/** Names the server where a request does not, and in default service ids. */
export const hostName: Kind<string> = oneWord({
  syntax: 'HOST',
  expects: 'a host name',
  read(word) {
    if (/^([a-z]+:\/\/)?[A-Za-z0-9.-]+(:\d+)?$/.test(word) && word.includes(':'))
      throw new NotBuiltError('a scheme or port in ServerName')
    return hostPattern.test(word) || isIP(word) > 0 ? word : undefined
  },
})

/** Proxies whose X-Forwarded headers are believed. */
export const proxy: Kind<string> = oneWord({
  syntax: 'ADDRESS[/BITS] | loopback | linklocal | uniquelocal',
  expects: 'an address, a network like 10.0.0.0/8, loopback, linklocal or uniquelocal',
  read(word) {
    const lower = word.toLowerCase()
    if (['loopback', 'linklocal', 'uniquelocal'].includes(lower)) return lower
    const [, host = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(word) ?? []
    const most = { 0: -1, 4: 32, 6: 128 }[isIP(host)]!
    return most > 0 && Number(bits ?? 0) <= most ? word : undefined
  },
})
