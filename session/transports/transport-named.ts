import type { Transport } from '../transport.ts'
import { cookieTransport } from './cookie.ts'
import { cookieAndUrlTransport } from './cookie-and-url.ts'
import { urlTransport } from './url.ts'

export type TransportName = 'cookie' | 'url' | 'cookie url'

export const transportNamed = (name: TransportName): Transport => transports[name]

const transports: Readonly<Record<TransportName, Transport>> = {
  cookie: cookieTransport,
  url: urlTransport,
  'cookie url': cookieAndUrlTransport,
}
