import { SessionError } from './session-error.ts'

type Path = readonly (string | number)[]

/**
 * A session's data as JSON text that a person can read. Values that JSON has stay as they are; the others are objects with one key that
 * begins with `$`, and a user's keys that begin so get a second `$`. Throws a SessionError 'bad-value' that names the key path.
 */
export function encode(data: Record<string, unknown>): string {
  return isPlain(data, 0) ? JSON.stringify(data) : JSON.stringify(encodeObject(data, [], new Map()))
}

/** True where plain JSON is enough: no tags, no cycles, nothing too deep to be sure. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'object': {
      if (value === null) return true
      if (depth > 20) return false
      if (Array.isArray(value)) {
        if (Object.getPrototypeOf(value) !== Array.prototype) return false
        for (let index = 0; index < value.length; index++) if (!isPlain(value[index], depth + 1)) return false
        return Object.keys(value).length === value.length
      }
      const prototype = Object.getPrototypeOf(value)
      if (depth > 0 && prototype !== Object.prototype && prototype !== null) return false
      for (const key of Object.keys(value))
        if (key.charCodeAt(0) === 36 || !isPlain((value as Record<string, unknown>)[key], depth + 1)) return false
      return true
    }
    default:
      return false
  }
}

type Seen = Map<object, Path>

function encodeValue(value: unknown, path: Path, seen: Seen): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (Object.is(value, -0)) return { $number: '-0' }
      return Number.isFinite(value) ? value : { $number: String(value) }
    case 'undefined':
      return { $undefined: true }
    case 'bigint':
      return { $bigint: String(value) }
    case 'object':
      return value === null ? null : encodeReference(value, path, seen)
    default:
      throw badValue(path, `a ${typeof value}`)
  }
}

function encodeReference(value: object, path: Path, seen: Seen): unknown {
  const known = seen.get(value)
  if (known !== undefined) return { $ref: known }
  seen.set(value, path)
  if (path.length > 1000) throw badValue(path.slice(0, 5), 'something nested more than 1,000 deep')
  const kind = kinds.find(one => value instanceof one)
  // decoded, it would have lost its class
  if (kind !== undefined && Object.getPrototypeOf(value) !== kind.prototype) throw ofClass(value, path)
  if (Array.isArray(value))
    return Array.from(value, (item, index) =>
      Object.hasOwn(value, index) ? encodeValue(item, [...path, index], seen) : { $hole: true },
    )
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() }
  if (value instanceof Map)
    return {
      $map: Array.from(value, ([key, item], index) => [
        encodeValue(key, [...path, index, 'key'], seen),
        encodeValue(item, [...path, index, 'value'], seen),
      ]),
    }
  if (value instanceof Set)
    return { $set: Array.from(value, (item, index) => encodeValue(item, [...path, index], seen)) }
  if (value instanceof ArrayBuffer) return { $bytes: ['ArrayBuffer', Buffer.from(value).toString('base64')] }
  if (ArrayBuffer.isView(value)) {
    const name = Buffer.isBuffer(value) ? 'Uint8Array' : value.constructor.name
    if (!views.has(name)) throw badValue(path, `a ${name}`)
    return { $bytes: [name, Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')] }
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw ofClass(value, path)
  return encodeObject(value as Record<string, unknown>, path, seen)
}

function encodeObject(value: Record<string, unknown>, path: Path, seen: Seen): Record<string, unknown> {
  seen.set(value, path)
  const encoded: Record<string, unknown> = Object.create(null)
  for (const key of Object.keys(value))
    encoded[key.startsWith('$') ? `$${key}` : key] = encodeValue(value[key], [...path, key], seen)
  return encoded
}

const kinds = [Array, Date, Map, Set, ArrayBuffer] as const

const ofClass = (value: object, path: Path): SessionError =>
  badValue(path, `an object of class ${Object.getPrototypeOf(value)?.constructor?.name ?? 'unknown'}`)

function badValue(path: Path, what: string): SessionError {
  const shown = path.map(key => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
  return new SessionError(
    'bad-value',
    `session${shown} cannot be kept: expected text, numbers, dates, lists, maps or plain objects, got ${what}`,
  )
}

const views: ReadonlyMap<string, (bytes: ArrayBuffer) => unknown> = new Map(
  [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float16Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map(view => [view.name, bytes => new view(bytes)]),
)

/**
 * What `encode` has written, as own properties of an object without a prototype; throws for text that it cannot have written. Keys such as
 * `__proto__` are data like any other.
 */
export function decode(text: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new SyntaxError('expected an object')
  if (!text.includes('"$')) return Object.assign(Object.create(null), parsed)
  const root: Record<string, unknown> = Object.create(null)
  const references: (() => void)[] = []
  const made = new Map<string, unknown>([['[]', root]])
  decodeInto(root, parsed as Record<string, unknown>, [], made, references)
  for (const resolve of references) resolve()
  return root
}

type Put = (value: unknown) => void

function decodeInto(
  target: object,
  from: Record<string, unknown>,
  path: Path,
  made: Map<string, unknown>,
  later: (() => void)[],
): void {
  for (const key of Object.keys(from)) {
    const name = key.startsWith('$$') ? key.slice(1) : key
    define(target, name, undefined)
    decodeValue(from[key], [...path, name], value => define(target, name, value), made, later)
  }
}

/** Never by assignment: `__proto__` would be a setter on a plain object. */
const define = (target: object, name: string, value: unknown): void => {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
}

function decodeValue(from: unknown, path: Path, put: Put, made: Map<string, unknown>, later: (() => void)[]): void {
  if (typeof from !== 'object' || from === null) return put(from)
  const keep = <Value>(value: Value): Value => {
    made.set(JSON.stringify(path), value)
    put(value)
    return value
  }
  if (Array.isArray(from)) {
    const list = keep(new Array(from.length))
    for (const [index, item] of from.entries())
      if (!isTag(item, '$hole')) decodeValue(item, [...path, index], value => (list[index] = value), made, later)
    return
  }
  const object = from as Record<string, unknown>
  const [key] = Object.keys(object)
  if (key === undefined || !key.startsWith('$') || key.startsWith('$$') || Object.keys(object).length !== 1)
    return decodeInto(keep({}), object, path, made, later)
  const inner = object[key]
  switch (key) {
    case '$undefined':
      return put(undefined)
    case '$number':
      return put(Number(inner))
    case '$bigint':
      return put(BigInt(inner as string))
    case '$date':
      keep(new Date(inner === null ? Number.NaN : (inner as string)))
      return
    case '$set': {
      const items = inner as unknown[]
      const values: unknown[] = []
      const set = keep(new Set<unknown>())
      for (const [index, item] of items.entries())
        decodeValue(item, [...path, index], value => (values[index] = value), made, later)
      later.push(() => values.forEach(value => set.add(value)))
      return
    }
    case '$map': {
      const pairs: [unknown, unknown][] = []
      const map = keep(new Map<unknown, unknown>())
      for (const [index, [name, item]] of (inner as [unknown, unknown][]).entries()) {
        const pair: [unknown, unknown] = [undefined, undefined]
        pairs.push(pair)
        decodeValue(name, [...path, index, 'key'], value => (pair[0] = value), made, later)
        decodeValue(item, [...path, index, 'value'], value => (pair[1] = value), made, later)
      }
      later.push(() => pairs.forEach(([name, item]) => map.set(name, item)))
      return
    }
    case '$bytes': {
      const [name, text] = inner as [string, string]
      const { buffer, byteOffset, byteLength } = Buffer.from(text, 'base64')
      const bytes = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
      keep(name === 'ArrayBuffer' ? bytes : views.get(name)!(bytes))
      return
    }
    case '$ref':
      // resolved before any set or map is filled: what they hold may be a reference
      later.unshift(() => put(made.get(JSON.stringify(inner))))
      return
    default:
      throw new SyntaxError(`unknown tag ${key}`)
  }
}

const isTag = (value: unknown, tag: string): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).join() === tag
