import { directive } from '../directive.ts'
import { optional, serviceName, sessionId } from '../kinds.ts'
import { replace } from '../merge-rules.ts'

/** `isDirectiveName` is asked when a value is read: a line whose name is the service id forces the session id. */
export const service = (isDirectiveName: (name: string) => boolean) => ({
  PSOServiceId: directive({
    kind: optional(serviceName(isDirectiveName)),
    default: undefined,
    defaultDoc: 'SERVERNAME.MODULE, the module by its path from the document root',
    scope: 'directory',
    override: 'Session',
    repeat: 'last',
    merge: replace,
    doc: 'Names the service, and so its session cookie; a line with that name as its directive forces the session id for all visitors.',
  }),
  PSOSessionId: directive({
    kind: optional(sessionId),
    default: undefined,
    defaultDoc: "the visitor's own",
    scope: 'directory',
    override: 'Session',
    repeat: 'last',
    merge: replace,
    doc: 'Forces the session id for all visitors, who then share one session and get no cookie.',
  }),
})
