/** By name; a list repeats its name. */
export type UrlParams = Readonly<Record<string, UrlParam | readonly UrlParam[]>>

type UrlParam = string | number | boolean

/**
 * `path` seen from the absolute URL `service`: '' is the service itself, what begins with `/` is a path of its server, anything else is
 * below the service. `params` are added to the query, `ids` replace parameters of the same names; a fragment stays.
 * A TypeError for what leads to another server.
 */
export function serviceUrl(
  service: string,
  path: string,
  params: UrlParams,
  ids: Iterable<readonly [name: string, id: string]>,
): string {
  const url = new URL(path, /^[^?#]/.test(path) && !service.endsWith('/') ? `${service}/` : service)
  if (url.origin !== new URL(service).origin)
    throw new TypeError(`expected a path or URL of ${new URL(service).origin} for serviceUrl(), got ${url.origin}`)
  for (const [name, value] of Object.entries(params))
    for (const one of [value].flat()) url.searchParams.append(name, String(one))
  for (const [name, id] of ids) url.searchParams.set(name, id)
  return url.href
}
