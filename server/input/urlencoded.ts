/** Name and value of a field. */
export type Pair = readonly [name: string, value: string]

/**
 * The pairs of `application/x-www-form-urlencoded` text, as the URL standard reads them (5.1): what is no proper escape stays, bytes that
 * are no UTF-8 become U+FFFD. Undefined where there are more than `most`.
 */
export function urlencodedPairs(text: string, most = Number.POSITIVE_INFINITY): Pair[] | undefined {
  const pairs: Pair[] = []
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf('&', start)
    if (end === -1) end = text.length
    if (end > start) {
      if (pairs.length >= most) return undefined
      const equals = text.indexOf('=', start)
      const isNamed = equals !== -1 && equals < end
      pairs.push([
        decoded(text.slice(start, isNamed ? equals : end)),
        isNamed ? decoded(text.slice(equals + 1, end)) : '',
      ])
    }
    start = end + 1
  }
  return pairs
}

function decoded(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    // the standard's way with what decodeURIComponent refuses
    return new URLSearchParams(`=${text}`).get('')!
  }
}
