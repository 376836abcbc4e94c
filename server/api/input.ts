import { idNameOf } from '../open-session-for.ts'
import type { RequestState } from '../request-state.ts'
import { notBuilt } from './not-built.ts'
import { ServerReturn } from './server-return.ts'

/** Form input: the query's pairs, then those of a urlencoded body, as PSO had them together. */
export class Input {
  readonly #pairs: readonly (readonly [string, string])[]

  /** `idName`: the parameter of the query that carries the session's id, which is no input. */
  constructor(query: string | undefined, body: string | undefined, idName: string | undefined) {
    const ofQuery = [...pairsOf(query)]
    this.#pairs = [...(idName === undefined ? ofQuery : ofQuery.filter(([name]) => name !== idName)), ...pairsOf(body)]
  }

  get pairs(): readonly (readonly [string, string])[] {
    return this.#pairs
  }

  all(key: string): string[] {
    return this.#pairs.filter(([name]) => name === key).map(([, value]) => value)
  }
}

/** A question mark at the beginning, which URLSearchParams would drop, is part of the first name. */
const pairsOf = (text = ''): URLSearchParams => new URLSearchParams(text.startsWith('?') ? `&${text}` : text)

/**
 * Reads a form's body before any lock is taken. A body over LimitRequestBody is 413, whether it is declared or only sent;
 * other content types are left alone (multipart is an error for now: 415).
 */
export function readInput(state: RequestState): void | Promise<void> {
  // the document of an error has no body of its own
  if (state.errorStatus !== undefined) return
  const limit = state.plan.directives.LimitRequestBody
  const declared = Number(state.raw.headers['content-length'] ?? 0)
  if (limit > 0 && declared > limit)
    throw new ServerReturn(413, `the body has ${declared} bytes, LimitRequestBody is ${limit}`)
  if (state.content?.kind !== 'program' || state.input !== undefined) return
  const type = state.raw.headers['content-type']
  if (type === undefined) return
  if (/^multipart\/form-data\b/i.test(type)) throw new ServerReturn(415, 'multipart forms are not built yet')
  if (!/^application\/x-www-form-urlencoded\b/i.test(type)) return
  return readForm(state, limit)
}

async function readForm(state: RequestState, limit: number): Promise<void> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of state.raw as AsyncIterable<Buffer>) {
      size += chunk.length
      if (limit > 0 && size > limit)
        throw new ServerReturn(413, `the body has more than ${limit} bytes (LimitRequestBody)`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof ServerReturn) throw error
    throw new ServerReturn(400, `the body ended early: ${(error as Error).message}`)
  }
  state.input = new Input(state.location?.query, Buffer.concat(chunks).toString('utf8'), idNameOf(state))
}

const isJson = /^application\/(?:[\w.+-]+\+)?json\b/i

/** The input of a request whose body was not a form, made when it is first asked for. An error where JSON was sent: it would be missed. */
export function inputOf(state: RequestState): Input {
  const type = state.raw.headers['content-type']
  if (state.input === undefined && state.errorStatus === undefined && type !== undefined && isJson.test(type))
    throw notBuilt('the input of a JSON body')
  state.input ??= new Input(state.location?.query, undefined, idNameOf(state))
  return state.input
}
