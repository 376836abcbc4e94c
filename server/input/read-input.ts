import type { RequestState } from '../request-state.ts'
import { checkDeclaredLength } from './body-limits.ts'
import { hasBody } from './has-body.ts'
import type { BodyInput } from './input.ts'
import { InputRefusal } from './input-refusal.ts'
import { parseJson } from './json.ts'
import { receiveMultipart } from './multipart.ts'
import { receiveText } from './receive-body.ts'
import { urlencodedPairs } from './urlencoded.ts'

/**
 * Reads and parses a form's body, or JSON, before any lock is taken. Other bodies are left to the handler, and so is any body with `isLeft` or
 * where PSOInput is off. Once for a client's request, whatever passes it takes: the document of an error has no body of its own.
 */
export function readInput(state: RequestState, isLeft = false): void | Promise<void> {
  if (state.errorStatus !== undefined || !hasBody(state)) return
  checkDeclaredLength(state)
  if (isLeft || state.content?.kind !== 'handler' || state.bodyInput !== undefined || state.body !== undefined) return
  const type = state.raw.headers['content-type']
  if (type === undefined || state.plan.directives.PSOInput === 'off') return
  const read = readerFor(type)
  if (read === undefined) return
  refuseCoded(state)
  return keepInput(state, read, type)
}

/** Nothing is decompressed here, and a compressed form would be misread. RFC 7694: the answer says what is accepted. */
function refuseCoded({ raw, output }: RequestState): void {
  const coding = raw.headers['content-encoding'] ?? ''
  if (/^(?:identity)?$/i.test(coding)) return
  output.headers.set('Accept-Encoding', 'identity')
  throw new InputRefusal(
    415,
    `the body is packed (Content-Encoding: ${coding}), and forms are taken as they are: PSOInput = off leaves it to the handler`,
  )
}

async function keepInput(state: RequestState, read: Reader, type: string): Promise<void> {
  state.bodyInput = await read(state, type)
  // a phase before may have asked for the query's
  state.input = undefined
}

/** Takes a body of one media type; `type`: the whole of Content-Type. */
type Reader = (state: RequestState, type: string) => Promise<BodyInput>

function readerFor(contentType: string): Reader | undefined {
  const parameters = contentType.indexOf(';')
  const type = (parameters === -1 ? contentType : contentType.slice(0, parameters)).trim().toLowerCase()
  if (type === 'application/x-www-form-urlencoded') return readUrlencoded
  if (type === 'multipart/form-data') return receiveMultipart
  return isJson.test(type) ? readJson : undefined
}

const isJson = /^application\/(?:[\w.+-]+\+)?json$/

async function readUrlencoded(state: RequestState): Promise<BodyInput> {
  const text = (await receiveText(state)).toString('utf8')
  const most = state.plan.directives.PSOInputMaxFields
  const pairs = urlencodedPairs(text, most === 0 ? undefined : most)
  if (pairs === undefined) throw new InputRefusal(413, `the form has more than ${most} fields (PSOInputMaxFields)`)
  return { pairs }
}

async function readJson(state: RequestState): Promise<BodyInput> {
  const bytes = await receiveText(state)
  return bytes.length === 0 ? {} : { json: parseJson(bytes) }
}
