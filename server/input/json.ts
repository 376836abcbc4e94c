import { isUtf8 } from 'node:buffer'
import { InputRefusal } from './input-refusal.ts'
import type { Pair } from './urlencoded.ts'

/** The value of a JSON text (RFC 8259); a byte order mark before it is ignored. A 400 where it is no JSON. */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new InputRefusal(400, 'the body is no JSON: it is not UTF-8')
  try {
    return JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''))
  } catch (error) {
    throw new InputRefusal(400, `the body is no JSON: ${(error as Error).message}`)
  }
}

/**
 * The members of an object as fields: an array as one field per value, text as it is, numbers and booleans as text, null as '', nested
 * objects and arrays as JSON. No fields where the value is no object. A 400 for what is nested too deep to be written again.
 */
export function fieldsOf(value: unknown): Pair[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  try {
    return Object.entries(value).flatMap(([name, member]) =>
      (Array.isArray(member) ? member : [member]).map((one): Pair => [name, textOf(one)]),
    )
  } catch (error) {
    throw new InputRefusal(400, `the JSON of the body cannot be fields: ${(error as Error).message}`)
  }
}

function textOf(value: unknown): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
