import type { Request } from './api/request.ts'
import type { Content } from './choose-content.ts'
import type { Input } from './input/input.ts'
import type { Location } from './locate.ts'
import type { Plan } from './plan.ts'

/** What a request is about, from one URL on: an internal redirect and the document of an error begin another pass. */
export interface Pass {
  /** The URL to be served: the client's, Trans's, or that of an internal redirect. */
  url: string
  /** GET where an error document answers in place of what was asked for. */
  method: string
  /** server.ini's until the directory is known. */
  plan: Plan
  location: Location | undefined
  content: Content | undefined
  input: Input | undefined
  /** mod_python's request object, made when a function first needs it: a static file never does. */
  request: Request | undefined
  /** The variables of `req.subprocessEnv`, made when a function first asks for them; functions add theirs. */
  environ: Record<string, string> | undefined
  /** What the pass before left for this one: REDIRECT_STATUS and its kin. */
  redirected: ReadonlyMap<string, string> | undefined
  /** The pass in whose place this one answers. */
  previous: Pass | undefined
}

/** A pass as it is now. */
export const passOf = ({
  url,
  method,
  plan,
  location,
  content,
  input,
  request,
  environ,
  redirected,
  previous,
}: Pass): Pass => ({ url, method, plan, location, content, input, request, environ, redirected, previous })
