/**
 * A path of the site as clients see it: with the URL path that the site is mounted at in front of it. What names a scheme or a host is no
 * path of the site, and stays as it is.
 */
export const outwardPath = (prefix: string, path: string): string =>
  prefix !== '' && /^\/(?![/\\])/.test(path) ? prefix + path : path

/** The Path of a cookie, as a path of the site: `/` is where it is mounted. A `__Host-` cookie can have none but `/`. */
export const outwardCookiePath = (prefix: string, name: string, path: string): string => {
  if (prefix === '' || /^__host-/i.test(name)) return path
  return path === '/' ? prefix : outwardPath(prefix, path)
}
