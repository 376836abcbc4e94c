import { encode } from './encode.ts'
import { SessionError } from './session-error.ts'

/** Throws a SessionError 'too-large' that names the largest key where `text`, the encoded `data`, has more than `most` bytes. */
export function checkSize(text: string, data: Readonly<Record<string, unknown>>, most: number): void {
  // at most three bytes per character: what fits for certain is not measured
  if (text.length * 3 <= most) return
  const size = Buffer.byteLength(text)
  if (size <= most) return
  const sizes = Object.keys(data).map(key => [key, Buffer.byteLength(encode({ [key]: data[key] }))] as const)
  const [key, bytes] = sizes.reduce((largest, one) => (one[1] > largest[1] ? one : largest))
  throw new SessionError(
    'too-large',
    `the session has ${size} bytes, PSOSessionMaxSize is ${most}: the largest key is session.${key} with ${bytes}`,
  )
}
