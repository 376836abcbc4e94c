import type { Keeping, Presented, Transport } from '../transport.ts'
import { cookieTransport } from './cookie.ts'
import { urlTransport } from './url.ts'

/** The cookie where the visitor accepts it; the URL for as long as none has come back. */
export class CookieAndUrlTransport implements Transport {
  readonly usesUrl = true

  idsOf(presented: Presented, serviceId: string): readonly string[] {
    const inCookies = cookieTransport.idsOf(presented, serviceId)
    const inUrl = urlTransport.idsOf(presented, serviceId)
    return inUrl.length === 0 ? inCookies : [...inCookies, ...inUrl]
  }

  isDueInUrls(id: string, presented: Presented, serviceId: string): boolean {
    return !cookieTransport.idsOf(presented, serviceId).includes(id)
  }

  /** An id that came by URL is not put into a cookie: a link with somebody else's id would tie the visitor to it for good. */
  give(id: string, keeping: Keeping): string | undefined {
    const isOfUrl = urlTransport.idsOf(keeping.presented, keeping.serviceId).includes(id)
    if (isOfUrl && this.isDueInUrls(id, keeping.presented, keeping.serviceId)) return undefined
    return cookieTransport.give(id, keeping)
  }

  takeBack(keeping: Keeping): string | undefined {
    return cookieTransport.takeBack(keeping)
  }
}

export const cookieAndUrlTransport: Transport = new CookieAndUrlTransport()
