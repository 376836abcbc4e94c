import { idNameOf } from '../open-session-for.ts'
import type { RequestState } from '../request-state.ts'
import { hasBody } from './has-body.ts'
import { fieldsOf } from './json.ts'
import type { UploadedFile } from './uploaded-file.ts'
import { type Pair, urlencodedPairs } from './urlencoded.ts'

/** What a body brought. */
export interface BodyInput {
  readonly pairs?: readonly Pair[]
  readonly files?: readonly UploadedFile[]
  /** The value of a JSON body: its members are fields. */
  readonly json?: unknown
}

/** The fields and files of a request: the query's, then the body's, as in PSO. */
export class Input {
  readonly files: readonly UploadedFile[]
  readonly json: unknown
  readonly #query: readonly Pair[]
  readonly #form: readonly Pair[] | undefined
  #pairs: readonly Pair[] | undefined
  #values: Map<string, string[]> | undefined

  constructor(query: readonly Pair[], body?: BodyInput) {
    const { pairs, files = [], json } = body ?? {}
    this.#query = query
    this.#form = pairs
    this.files = files
    this.json = json
  }

  /** All fields, in the order they were sent. */
  get pairs(): readonly Pair[] {
    this.#pairs ??= joined(this.#query, this.#form ?? fieldsOf(this.json))
    return this.#pairs
  }

  /** The values of a field, in the order they were sent. */
  all(key: string): readonly string[] {
    return this.#byName().get(key) ?? []
  }

  has(key: string): boolean {
    return this.#byName().has(key)
  }

  #byName(): Map<string, string[]> {
    if (this.#values !== undefined) return this.#values
    const values = new Map<string, string[]>()
    for (const [name, value] of this.pairs) {
      const known = values.get(name)
      if (known === undefined) values.set(name, [value])
      else known.push(value)
    }
    this.#values = values
    return values
  }
}

const joined = (query: readonly Pair[], body: readonly Pair[]): readonly Pair[] =>
  query.length === 0 ? body : body.length === 0 ? query : [...query, ...body]

/**
 * The input of a request, made when it is first asked for. Each pass has its own: the query of its URL, and the body if it still has the
 * client's method. The query parameter that carries the session's id is left out.
 */
export function inputOf(state: RequestState): Input {
  state.input ??= makeInput(state)
  return state.input
}

function makeInput(state: RequestState): Input {
  const body = hasBody(state) ? state.bodyInput : undefined
  const query = state.location?.query
  if (query === undefined) return new Input([], body)
  const idName = idNameOf(state)
  const pairs = urlencodedPairs(query)!
  return new Input(idName === undefined ? pairs : pairs.filter(([name]) => name !== idName), body)
}
