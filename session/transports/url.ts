import type { Presented, Transport } from '../transport.ts'

/** The id in the query, in a parameter that is named after the service: for visitors who take no cookies. */
export class UrlTransport implements Transport {
  readonly usesUrl = true

  idsOf({ query }: Presented, serviceId: string): readonly string[] {
    return query === undefined ? [] : new URLSearchParams(query).getAll(serviceId)
  }

  isDueInUrls(): boolean {
    return true
  }

  give(): undefined {}

  takeBack(): undefined {}
}

export const urlTransport: Transport = new UrlTransport()
