import { validateHeaderName, validateHeaderValue } from '../node-http.ts'

/**
 * Header fields under names without regard to case, each with one or several values in the order they were added
 * (mod_python's `apache.table`). The spelling of the first `set` or `add` is what is sent.
 * Names and values that HTTP does not allow (a line break above all) are a TypeError where they are given.
 */
export class HeaderTable {
  #fields: Map<string, { name: string; values: string[] }> | undefined
  #hasLeft = false

  /** The value, of several the first; undefined when the field is not there. */
  get(name: string): string | undefined {
    return this.#fields?.get(name.toLowerCase())?.values[0]
  }

  getAll(name: string): readonly string[] {
    return this.#fields?.get(name.toLowerCase())?.values ?? []
  }

  has(name: string): boolean {
    return this.#fields?.has(name.toLowerCase()) ?? false
  }

  get isEmpty(): boolean {
    return this.#fields === undefined || this.#fields.size === 0
  }

  /** The head has left: a change would be lost, and is an Error. */
  close(): void {
    this.#hasLeft = true
  }

  #requireOpen(name: string): void {
    if (this.#hasLeft) throw new Error(`the header ${name} can no longer be changed: the head of the response has left`)
  }

  /** Replaces whatever the field had. */
  set(name: string, value: string | number): void {
    this.#requireOpen(name)
    const text = checked(name, value)
    this.#fields ??= new Map()
    this.#fields.set(name.toLowerCase(), { name, values: [text] })
  }

  /** Adds a field of this name beside those that are there. */
  add(name: string, value: string | number): void {
    const field = this.#fields?.get(name.toLowerCase())
    if (field === undefined) return this.set(name, value)
    this.#requireOpen(name)
    field.values.push(checked(name, value))
  }

  delete(name: string): void {
    this.#requireOpen(name)
    this.#fields?.delete(name.toLowerCase())
  }

  clear(): void {
    for (const name of this.#fields?.keys() ?? []) this.delete(name)
  }

  /** One pair a field line, as `writeHead` sends them. */
  *[Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    if (this.#fields === undefined) return
    for (const { name, values } of this.#fields.values()) for (const value of values) yield [name, value]
  }

  /** Appends name and value in turn to `flat`, the form that `writeHead` takes fastest. */
  appendTo(flat: string[]): void {
    if (this.#fields === undefined) return
    for (const { name, values } of this.#fields.values()) for (const value of values) flat.push(name, value)
  }
}

function checked(name: string, value: string | number): string {
  validateHeaderName(name)
  validateHeaderValue(name, value as string)
  const text = String(value)
  if (name.length === 14 && name.toLowerCase() === 'content-length' && !/^\d{1,15}$/.test(text))
    throw new TypeError(`expected a number of bytes as ${name}, got ${JSON.stringify(text)}`)
  return text
}
