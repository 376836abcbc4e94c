import { directive } from '../directive.ts'
import { flag, optional, scriptAliases, seconds } from '../kinds.ts'
import { byKey, replace } from '../merge-rules.ts'

export const cgi = {
  ScriptAlias: directive({
    kind: scriptAliases,
    default: new Map(),
    scope: 'server',
    override: 'any',
    repeat: 'adds',
    merge: byKey,
    doc: 'Maps a URL path to a directory outside the document root whose files are all run as CGI programs, whatever Options and AddHandler say; the longest path that matches counts.',
  }),
  CGIPassAuth: directive({
    kind: flag,
    default: false,
    scope: 'directory',
    override: 'AuthConfig',
    repeat: 'last',
    merge: replace,
    doc: 'Passes the Authorization and Proxy-Authorization headers to CGI programs and to `req.subprocessEnv`.',
  }),
  CGIScriptTimeout: directive({
    kind: optional(seconds()),
    default: undefined,
    defaultDoc: 'Timeout',
    scope: 'directory',
    override: 'Options',
    repeat: 'last',
    merge: replace,
    doc: 'Sets how many seconds a CGI program may go without reading or writing anything before it is ended: 504, or a cut answer.',
  }),
}
