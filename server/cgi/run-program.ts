import { realpathSync } from 'node:fs'
import { basename, delimiter } from 'node:path'
import { ALLOWED_METHODS } from '../allowed-methods.ts'
import { environOf } from '../api/environ.ts'
import { ServerReturn } from '../api/server-return.ts'
import { DONE } from '../api/status.ts'
import { allowsOutside } from '../choose-content.ts'
import { isRunnable } from '../files/hidden-names.ts'
import type { Location } from '../locate.ts'
import { packageDirectory } from '../package-directory.ts'
import { Refusal } from '../refusal.ts'
import type { RequestState } from '../request-state.ts'
import { feedProgram, hasUnreadBody } from './feed-program.ts'
import { Program } from './program.ts'
import { sendAnswer } from './send-answer.ts'
import { sendRaw } from './send-raw.ts'
import { StderrLog } from './stderr-log.ts'
import { refuseText } from './why-not-started.ts'

/** Runs the file of a request as a CGI program (RFC 3875) and sends what it answers, as Apache's mod_cgid does. */
export async function runProgram(state: RequestState): Promise<void> {
  const { output, response, site, plan } = state
  if (output.flushed) throw new Error('a CGI program cannot answer: a part of an answer had been sent before')
  output.discard()
  if (state.method === 'OPTIONS') return output.headers.set('Allow', ALLOWED_METHODS)
  const { file, directory } = state.location as Location & { file: string }
  refuseHidden(state, file)
  refuseText(file)
  const body = hasUnreadBody(state)
  const environment = environOf(state, state, state.environ)
  if (!body) delete environment['CONTENT_LENGTH']
  // for `#!/usr/bin/env -S pso cgi`, after any other pso
  environment['PATH'] += `${delimiter}${packageDirectory}/server/bin`
  const seconds = plan.directives.CGIScriptTimeout ?? site.config.directives.Timeout
  const program = await Program.start(site.launcher, {
    file,
    directory,
    environment,
    hasBody: body,
    timeoutMs: seconds * 1000,
    stderrLog: new StderrLog(state, file),
  })
  const onGone = (): void => program.fail(new ServerReturn(DONE, 'the client has gone away'))
  let stopFeeding: (() => void) | undefined
  try {
    if (program.stdin !== undefined) stopFeeding = feedProgram(state, program.stdin.stream, program)
    if (state.closed) onGone()
    response.once('close', onGone)
    await (basename(file).startsWith('nph-') ? sendRaw(state, program) : sendAnswer(state, program))
  } finally {
    response.off('close', onGone)
    stopFeeding?.()
    program.end()
  }
}

/** The second check, of the file that is about to be run. */
function refuseHidden({ location, plan }: RequestState, file: string): void {
  const { directives } = plan
  let realPath: string
  try {
    realPath = realpathSync.native(file)
  } catch (error) {
    throw new Refusal(404, `${file} has just gone: ${(error as NodeJS.ErrnoException).code}`)
  }
  const rules = { accessFileNames: directives.AccessFileName, allowOutside: allowsOutside(directives) }
  if (!isRunnable(realPath, location!.root.path, rules)) throw new Refusal(404, `${realPath} is never run`)
}
