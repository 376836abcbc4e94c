import { hasAdded } from './added-functions.ts'
import type { Output } from './api/output.ts'
import { ServerReturn } from './api/server-return.ts'
import { asciiUrl } from './ascii-url.ts'
import { runProgram } from './cgi/run-program.ts'
import { allowsOutside, type Content } from './choose-content.ts'
import { handlerNameOf } from './files/handler-name.ts'
import { isRunnable, isServable } from './files/hidden-names.ts'
import { listDirectory } from './handlers/listing.ts'
import type { StaticSettings } from './handlers/static-file.ts'
import type { Location } from './locate.ts'
import { isNamedModule } from './modules/named-modules.ts'
import { outwardPath } from './outward-path.ts'
import type { Plan } from './plan.ts'
import { redirectPage } from './redirect-page.ts'
import { Refusal } from './refusal.ts'
import type { RequestState } from './request-state.ts'
import { runContent } from './run-content.ts'
import type { Site } from './site.ts'

/** Makes the answer of what `choose` chose: the Content phase. */
export function answerContent(state: RequestState): void | Promise<void> {
  const content = state.content!
  state.phase = 'Content'
  if (state.errorStatus !== undefined) state.output.status = state.errorStatus
  if (content.kind === 'handler') {
    const declined = runContent(state, content.handlers)
    if (declined instanceof Promise) return declined.then(isDeclined => answerDeclined(state, isDeclined))
    return answerDeclined(state, declined)
  }
  const isReplaced = content.kind !== 'redirect' && hasAdded(state, 'Content')
  return isReplaced ? answerAdded(state, content) : answerItself(state, content)
}

/** Functions that were added answer in place of a file, a listing or nothing, as if a directive had named them. */
async function answerAdded(state: RequestState, content: Exclude<Content, { kind: 'handler' }>): Promise<void> {
  const isDeclined = await runContent(state, [])
  if (isDeclined) await answerItself(state, content)
}

/** What needs no handler. */
function answerItself(state: RequestState, content: Exclude<Content, { kind: 'handler' }>): void | Promise<void> {
  switch (content.kind) {
    case 'cgi':
      return runProgram(state)
    case 'static':
      return answerFile(state)
    case 'listing':
      return answerListing(state)
    case 'redirect':
      return answerRedirect(state, content.status, content.to)
    case 'refuse':
      throw new Refusal(
        content.status,
        content.reason ?? (content.status === 403 ? 'nothing may be shown here' : 'nothing answers this URL'),
      )
  }
}

/** The last handler said "not mine": the static file, or 404. */
function answerDeclined(state: RequestState, isDeclined: boolean): void {
  if (!isDeclined) return
  const { file, source, pathInfo } = state.location!
  if (file === undefined || source || (pathInfo !== '' && state.plan.directives.AcceptPathInfo !== 'on'))
    throw new Refusal(404, 'the handler declined, and there is no such file')
  answerFile(state)
}

/** Answers with the file alone: what a phase, or a handler that declined, wrote before is discarded. */
function answerFile(state: RequestState): void {
  const { site, output, location } = state
  if (output.flushed) throw new Error('a file cannot answer: a part of an answer had been sent before')
  output.discard()
  const { file, stats } = location as Location & { file: string }
  const answer = site.staticFiles.answer(
    state.method,
    // the document of an error is sent whole, whatever the client's conditions say
    state.errorStatus === undefined ? state.raw.headers : {},
    file,
    stats!,
    staticSettingsOf(site, state.plan),
  )
  if (answer.status >= 400) {
    for (let at = 0; at < answer.headers.length; at += 2)
      output.headers.set(answer.headers[at]!, answer.headers[at + 1]!)
    throw new ServerReturn(answer.status)
  }
  output.status = state.errorStatus ?? answer.status
  output.prepared = besideOwn(output, answer.headers)
  output.isFile = true
  if (answer.body === undefined) return
  if ('fd' in answer.body) output.writeSlice(answer.body)
  else output.write(answer.body)
}

/**
 * The fields of a file beside those that functions of earlier phases set: a content type of theirs counts (mod_python's Type phase), `Vary`
 * adds up, and the file's other fields replace theirs.
 */
function besideOwn(output: Output, fields: readonly string[]): readonly string[] {
  const { headers, contentType } = output
  if (headers.isEmpty && contentType === undefined) return fields
  const hasType = contentType !== undefined || headers.has('content-type')
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    if (name === 'Content-Type' && hasType) continue
    if (name !== 'Vary') headers.delete(name)
    kept.push(name, fields[at + 1]!)
  }
  return kept
}

const settings = new WeakMap<Plan, StaticSettings>()

/** What a directory's configuration says of its files, made once. */
function staticSettingsOf(site: Site, plan: Plan): StaticSettings {
  let known = settings.get(plan)
  if (known === undefined) {
    const { directives } = plan
    const rules = {
      accessFileNames: directives.AccessFileName,
      isModule: (path: string) => site.modules.has(path) || isNamedModule(directives, path),
      allowTypeScript: directives.SetHandler === 'default-handler',
      allowOutside: allowsOutside(directives),
    }
    known = {
      AddType: directives.AddType,
      AddDefaultCharset: directives.AddDefaultCharset,
      isServable: realPath => isServable(realPath, site.config.documentRoot, rules),
      isModule: rules.isModule,
    }
    settings.set(plan, known)
  }
  return known
}

async function answerListing(state: RequestState): Promise<void> {
  state.output.contentType = 'text/html; charset=utf-8'
  const { location, site, plan } = state
  const { directives } = plan
  const { AccessFileName } = directives
  const { isServable } = staticSettingsOf(site, plan)
  const rules = { accessFileNames: AccessFileName, allowOutside: allowsOutside(directives) }
  const isProgram = (name: string): boolean =>
    directives.Options.on.has('ExecCGI') && handlerNameOf(name, directives) === 'cgi-script'
  // a link to a source, or to a handler, may be a program
  const isShown = (realPath: string, name: string): boolean =>
    isServable(realPath) || (isProgram(name) && isRunnable(realPath, location!.root.path, rules))
  state.output.write(await listDirectory(location!, AccessFileName, isShown, site.prefix))
}

function answerRedirect(state: RequestState, status: number, target: string): void {
  const to = outwardPath(state.site.prefix, target)
  state.output.status = status
  state.output.headers.set('Location', asciiUrl(to))
  state.output.contentType = 'text/html; charset=utf-8'
  state.output.write(redirectPage(status, to))
}
