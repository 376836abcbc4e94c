import type { Phase, PhaseName } from './phase.ts'

/** The eleven phases of a request, in order (Apache's, under mod_python's names). `line.ts` says when each runs. */
export const phases = [
  {
    name: 'PostReadRequest',
    directive: 'PSOPostReadRequestHandler',
    defaultFunction: 'postReadRequest',
    runs: 'all',
    doc: 'The request line and headers have been read; server.ini only.',
  },
  {
    name: 'Trans',
    directive: 'PSOTransHandler',
    defaultFunction: 'trans',
    runs: 'first',
    doc: 'The URL may be changed before it becomes a file; server.ini only.',
  },
  {
    name: 'HeaderParser',
    directive: 'PSOHeaderParserHandler',
    defaultFunction: 'headerParser',
    runs: 'all',
    doc: 'The directory is known: the first look at the request.',
  },
  {
    name: 'Access',
    directive: 'PSOAccessHandler',
    defaultFunction: 'access',
    runs: 'all',
    doc: 'Who may come in, by anything but a user name.',
  },
  {
    name: 'Authen',
    directive: 'PSOAuthenHandler',
    defaultFunction: 'authen',
    runs: 'first',
    doc: 'Who the user is: sets req.user.',
  },
  {
    name: 'Authz',
    directive: 'PSOAuthzHandler',
    defaultFunction: 'authz',
    runs: 'first',
    doc: 'What the user may do.',
  },
  {
    name: 'Type',
    directive: 'PSOTypeHandler',
    defaultFunction: 'type',
    runs: 'first',
    doc: 'The content type, before the content.',
  },
  {
    name: 'Fixup',
    directive: 'PSOFixupHandler',
    defaultFunction: 'fixup',
    runs: 'all',
    doc: 'The last step before the content: pso::fixup brings the session.',
  },
  {
    name: 'Content',
    directive: 'PSOHandler',
    defaultFunction: 'handler',
    runs: 'all',
    doc: 'The answer itself.',
  },
  {
    name: 'Log',
    directive: 'PSOLogHandler',
    defaultFunction: 'log',
    runs: 'all',
    doc: 'The response is over, however it ended: pso::cleanup lets go of the session.',
  },
  {
    name: 'Cleanup',
    directive: 'PSOCleanupHandler',
    defaultFunction: 'cleanup',
    runs: 'all',
    doc: 'After the log and the cleanups that the request registered.',
  },
] as const satisfies readonly Phase[]

export const phaseOf = (name: PhaseName): Phase => phases.find(phase => phase.name === name)!
