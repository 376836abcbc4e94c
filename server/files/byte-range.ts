export interface ByteRange {
  readonly start: number
  readonly length: number
}

/**
 * The one range that a `Range` field asks of `size` bytes (RFC 9110 section 14.1.2). Undefined: the whole is to be sent, as for
 * another unit, for several ranges and for what is no range at all; 'unsatisfiable' is a 416.
 */
export function byteRange(field: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const found = field === undefined ? null : /^bytes=(?:(\d+)-(\d*)|-(\d+))$/i.exec(field)
  if (found === null) return undefined
  const [, first, last, suffix] = found
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, length }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, length: end - start + 1 }
}
