import type { FileSlice } from './handlers/static-file.ts'
import { listDirectory } from './handlers/listing.ts'
import { redirectPage } from './error-document.ts'
import { Refusal } from './locate.ts'
import type { Location } from './locate.ts'
import type { RequestState } from './request-state.ts'
const filesOf = (_s: RequestState): unknown => ({})
import { runContent } from './run-content.ts'

/** Makes the answer of what `choose` chose: the Content phase. */
export function answerContent(state: RequestState): void | Promise<void> {
  const content = state.content!
  state.phase = 'Content'
  if (state.errorStatus !== undefined) state.output.status = state.errorStatus
  switch (content.kind) {
    case 'program': {
      const declined = runContent(state, content.handlers)
      if (declined instanceof Promise) return declined.then(isDeclined => answerDeclined(state, isDeclined))
      return answerDeclined(state, declined)
    }
    case 'static':
      return answerFile(state)
    case 'listing':
      return answerListing(state)
    case 'redirect':
      return answerRedirect(state, content.status, content.to)
    case 'refuse':
      throw new Refusal(content.status, content.status === 403 ? 'nothing may be shown here' : 'nothing answers this URL')
  }
}

/** The last handler said "not mine": the static file, or 404. */
function answerDeclined(state: RequestState, isDeclined: boolean): void {
  if (!isDeclined) return
  const { file, source } = state.location!
  if (file === undefined || source || state.output.flushed) throw new Refusal(404, 'the handler declined, and there is no such file')
  answerFile(state)
}

function answerFile(state: RequestState): void {
  const { file, stats } = state.location as Location & { file: string }
  const { site, plan, output } = state
  const answer = site.staticFiles.answer({ method: state.method, headers: state.raw.headers }, file, stats!, filesOf(state))
  // an error document is sent whole, under the error's status, whatever the client's conditions say
  output.status = state.errorStatus ?? answer.status
  for (const [name, value] of Object.entries(answer.headers)) output.headers.set(name, value)
  if (answer.body === undefined) return
  if (typeof answer.body === 'string' || answer.body instanceof Uint8Array) output.write(answer.body)
  else output.slice = answer.body as FileSlice
}

async function answerListing(state: RequestState): Promise<void> {
  state.output.contentType = 'text/html; charset=utf-8'
  state.output.write(await listDirectory(state.location!, state.site.config.directives.AccessFileName))
}

function answerRedirect(state: RequestState, status: number, to: string): void {
  state.output.status = status
  state.output.headers.set('Location', to)
  state.output.contentType = 'text/html; charset=utf-8'
  state.output.write(redirectPage(status, to))
}
