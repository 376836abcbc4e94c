import t from 'tap'
import { phases } from '../../server/phases.ts'
import { site } from '../support/site.ts'

/**
 * What every answer of every phase comes to, as mod_python under Apache did it (research pso-modpython, b.3) and DESIGN 5 and 6 decide it.
 * The row of PythonHandlerModule has no counterpart. All phases are traced: `ran` is who ran, `Log` with the status that it saw.
 */
interface Row {
  /** As the research words it. */
  readonly situation: string
  /** Where DESIGN decides otherwise, what it says. */
  readonly design?: string
  /** Lines of the .psoaccess, in place of the traced ones of their names; and of server.ini. */
  readonly access?: string
  readonly ini?: string
  /** Bodies of the functions of `own.ts`, by name; `req` and all of `pso` are in reach. */
  readonly own: Readonly<Record<string, string>>
  readonly url?: string
  readonly development?: true
  readonly status: number
  readonly body: string | RegExp
  readonly headers?: Readonly<Record<string, string>>
  readonly ran: readonly string[]
  /** In the error log. */
  readonly log?: RegExp
}

const before = ['HeaderParser', 'Access', 'Authen', 'Authz', 'Type', 'Fixup'] as const
const upTo = (name: string): string[] => before.slice(0, before.indexOf(name as 'Access'))
const ended = (status: number): string[] => [`Log ${status}`, 'Cleanup']
const page = (status: number): RegExp => new RegExp(`<title>${status} `)
const nameOf = (phase: string): string => phases.find(({ name }) => name === phase)!.defaultFunction
const handler = (body: string): Row['own'] => ({ handler: body })

/** One of the phases 4-9 answers so. */
const early = (situation: string, body: string, status: number, text: string | RegExp, goesOn = false): Row[] =>
  before.map(phase => ({
    situation: `any phase 4-9 ${situation}: ${phase}`,
    own: { [nameOf(phase)]: body },
    status,
    body: text,
    ran: [
      ...(goesOn ? before.filter(name => name !== phase).concat('Content' as never) : upTo(phase)),
      ...ended(status),
    ],
  }))

const serverPhase = (situation: string, body: string, status: number, text: string | RegExp): Row[] =>
  (['PostReadRequest', 'Trans'] as const).map(phase => ({
    situation: `post-read or trans ${situation}: ${phase}`,
    ini: `PSO${phase}Handler = ../public_html/own.ts`,
    own: { [nameOf(phase)]: body },
    status,
    body: text,
    ran: [],
  }))

const rows: readonly Row[] = [
  ...early('returns 403', 'return 403', 403, page(403)),
  ...early('raises SERVER_RETURN 404', 'throw new ServerReturn(404)', 404, page(404)),
  ...early('… raises', 'throw new Error("told to the log")', 500, page(500)),
  ...early('… returns DONE', 'return DONE', 200, ''),
  ...early('… DECLINED', 'return DECLINED', 200, 'content', true),
  ...serverPhase('returns 403', 'return 403', 403, page(403)),
  ...serverPhase('raises', 'throw new Error("x")', 500, page(500)),
  ...serverPhase('DONE', 'return DONE', 200, ''),
  {
    situation: '`Require all denied`: fixup did not run; header-parser and access handlers ran first',
    access: 'Require = all denied',
    own: {},
    status: 403,
    body: page(403),
    ran: ['HeaderParser', 'Access', ...ended(403)],
  },
  {
    situation: 'auth missing: 401, fixup did not run',
    own: { authen: 'req.headersOut.set("WWW-Authenticate", "Basic realm=x"); return 401' },
    status: 401,
    body: page(401),
    headers: { 'www-authenticate': 'Basic realm=x' },
    ran: ['HeaderParser', 'Access', ...ended(401)],
  },
  {
    situation: 'handler OK, wrote nothing',
    own: handler('return OK'),
    status: 200,
    body: '',
    headers: { 'content-length': '0' },
    ran: [...before, ...ended(200)],
  },
  {
    situation: 'handler DECLINED: static file if it exists; rest of the stack is not tried',
    access: 'SetHandler = pso-program\nPSOHandler = own.ts own.ts::never',
    own: handler('req.write("not mine"); return DECLINED'),
    url: '/a.txt',
    status: 200,
    body: 'file',
    ran: [...before, ...ended(200)],
  },
  {
    situation: 'handler DECLINED: else 404',
    access: 'PSOHandler = own.ts own.ts::never',
    own: handler('return DECLINED'),
    status: 404,
    body: page(404),
    ran: [...before, ...ended(404)],
  },
  {
    situation: 'handler DONE: 200 with what was written; rest of stack skipped',
    access: 'PSOHandler = own.ts own.ts::never',
    own: handler('req.write("written"); return DONE'),
    status: 200,
    body: 'written',
    ran: [...before, ...ended(200)],
  },
  ...[404, 403, 500].map(status => ({
    situation: `handler returns ${status}: that + Apache's page`,
    own: handler(`return ${status}`),
    status,
    body: page(status),
    ran: [...before, ...ended(status)],
  })),
  {
    situation: 'returns 200 (the number): 200 with an error page body',
    design: '200 is OK',
    own: handler('req.write("written"); return 200'),
    status: 200,
    body: 'written',
    ran: [...before, ...ended(200)],
  },
  {
    situation: 'returns 204: headers kept',
    own: handler('req.headersOut.set("X-Kept", "1"); return 204'),
    status: 204,
    body: '',
    headers: { 'x-kept': '1' },
    ran: [...before, ...ended(204)],
  },
  ...[301, 302].map(status => ({
    situation: `returns ${status} with Location set: redirect`,
    own: handler(`req.headersOut.set("Location", "/to"); return ${status}`),
    status,
    body: '',
    headers: { location: '/to' },
    ran: [...before, ...ended(status)],
  })),
  {
    situation: 'returns None: 500',
    design: 'nothing is OK',
    own: handler('req.write("written")'),
    status: 200,
    body: 'written',
    ran: [...before, ...ended(200)],
  },
  {
    situation: 'returns a string: 500',
    design: 'appended',
    own: handler('req.write("written "); return "text"'),
    status: 200,
    body: 'written text',
    ran: [...before, ...ended(200)],
  },
  {
    situation: 'sets `req.status=404`, writes, returns OK: 404 with own body',
    own: handler('req.status = 404; req.write("own page"); return OK'),
    status: 404,
    body: 'own page',
    ran: [...before, ...ended(404)],
  },
  {
    situation: 'writes, then raises: 200, partial text + error page appended; the log sees 500',
    design: 'what a failed handler had buffered is thrown away',
    own: handler('req.write("partial"); throw new Error("x")'),
    status: 500,
    body: /^(?!.*partial)/s,
    ran: [...before, ...ended(500)],
  },
  ...(
    [
      ['403', 403],
      ['DECLINED', 404],
    ] as const
  ).map(([answer, status]) => ({
    situation: `writes, then returns ${answer}: 200, partial + ${status} page; the log sees ${status}`,
    design: 'a returned status of 400 or more discards the buffer',
    own: handler(`req.write("partial"); return ${answer}`),
    status,
    body: /^(?!.*partial)/s,
    ran: [...before, ...ended(status)],
  })),
  {
    situation: 'fixup list `a b`: a DECLINED: both run',
    access: 'PSOFixupHandler = own.ts::a trace.ts',
    own: { a: 'note("a"); return DECLINED' },
    status: 200,
    body: 'content',
    ran: [...upTo('Fixup'), 'a', 'Fixup', 'Content', ...ended(200)],
  },
  ...(
    [
      ['DONE', 200, ''],
      ['403', 403, page(403)],
    ] as const
  ).map(([answer, status, body]) => ({
    situation: `fixup a ${answer}: b and handler skipped`,
    access: 'PSOFixupHandler = own.ts::a trace.ts',
    own: { a: `note("a"); return ${answer}` },
    status,
    body,
    ran: [...upTo('Fixup'), 'a', ...ended(status)],
  })),
  {
    situation: 'log list `a b`: a raises: response unaffected, b skipped',
    access: 'PSOLogHandler = own.ts::a trace.ts',
    own: { a: 'note("a"); throw new Error("log went wrong")' },
    status: 200,
    body: 'content',
    ran: [...before, 'Content', 'a', 'Cleanup'],
    log: /after \/: Error: log went wrong, .*own\.ts/,
  },
  ...(['Log', 'Cleanup'] as const).flatMap(phase =>
    (['throw new Error("x")', 'return 403'] as const).map(body => ({
      situation: `log or cleanup raises or returns 403: response unaffected: ${phase}: ${body}`,
      own: { [nameOf(phase)]: `note('own'); ${body}` },
      status: 200,
      body: 'content',
      ran: [...before, 'Content', ...(phase === 'Log' ? ['own', 'Cleanup'] : ['Log 200', 'own'])],
    })),
  ),
  {
    situation: 'log phase writes: nothing reaches the client',
    design: 'and its author is told',
    own: { log: 'note("own"); req.write("late")' },
    status: 200,
    body: 'content',
    ran: [...before, 'Content', 'own', 'Cleanup'],
    log: /after \/: Error: the request is over: req\.write\(\) comes too late/,
  },
  {
    situation: 'module missing: 500, log runs, reason in the log',
    access: 'PSOHandler = none.ts',
    own: {},
    status: 500,
    body: page(500),
    ran: [...before, ...ended(500)],
    log: /expected the module none\.ts in .*, found no such file/,
  },
  {
    situation: 'function missing: 500, log runs, reason in the log',
    access: 'PSOAccessHandler = own.ts::none',
    own: {},
    status: 500,
    body: page(500),
    ran: ['HeaderParser', ...ended(500)],
    log: /expected the function none in .*own\.ts.*\.psoaccess:/,
  },
  {
    situation: 'SetHandler but no PythonHandler: 404 for a missing file',
    access: 'SetHandler = pso-program\nPSOHandler = none',
    own: {},
    url: '/missing',
    status: 404,
    body: page(404),
    ran: [...upTo('Fixup'), 'Fixup', ...ended(404)],
  },
  {
    situation: 'PythonDebug On, raises before writing: 500 with traceback page',
    development: true,
    own: handler('throw new Error("told to me")'),
    status: 500,
    body: /told to me.*own\.ts:\d/s,
    ran: [...before, ...ended(500)],
  },
  {
    situation: 'PythonDebug On, raises after writing: 200 + traceback appended',
    design: 'what a failed handler had buffered is thrown away',
    development: true,
    own: handler('req.write("partial"); throw new Error("told to me")'),
    status: 500,
    body: /^(?!.*partial<).*told to me/s,
    ran: [...before, ...ended(500)],
  },
  {
    situation: "PythonDebug On: fixup's too",
    development: true,
    own: { fixup: 'throw new Error("told to me")' },
    status: 500,
    body: /told to me/,
    ran: [...upTo('Fixup'), ...ended(500)],
  },
  {
    situation: "PythonDebug On: log's not shown",
    development: true,
    own: { log: 'note("own"); throw new Error("not told")' },
    status: 200,
    body: 'content',
    ran: [...before, 'Content', 'own', 'Cleanup'],
    log: /not told/,
  },
]

const note = (text: string): string => `((globalThis as any).ran ??= []).push(${text})`
const tracer = phases
  .map(({ name, defaultFunction }) => {
    const says = name === 'Log' ? '`Log ${req.status}`' : `'${name}'`
    const more = name === 'Authen' ? "req.user = 'me'" : name === 'Content' ? "req.write('content')" : ''
    return `export const ${defaultFunction} = (req: any) => { ${note(says)}; ${more} }\n`
  })
  .join('')
const module = (own: Row['own']): string =>
  `import { DECLINED, DONE, OK, ServerReturn } from 'pso'\nconst note = (text: string) => ${note('text')}\nexport const never = () => note('never')\n${Object.entries(
    own,
  )
    .map(([name, body]) => `export const ${name} = (req: any): any => { ${body} }\n`)
    .join('')}`

/** Each directory phase is the row's own where it has a function for it, else the traced one; lines of `access` go in place of both. */
function lines({ own, access = '' }: Row): string {
  const named = new Set(access.split('\n').map(line => line.split(' ')[0]))
  return phases
    .filter(({ name, directive }) => name !== 'PostReadRequest' && name !== 'Trans' && !named.has(directive))
    .map(({ directive, defaultFunction }) => `${directive} = ${defaultFunction in own ? 'own' : 'trace'}.ts`)
    .concat(access)
    .join('\n')
}

async function ran(): Promise<string[]> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  return ((globalThis as any).ran ?? []).splice(0)
}

for (const row of rows)
  t.test(row.situation + (row.design === undefined ? '' : ` (DESIGN: ${row.design})`), async t => {
    const tree = { '.psoaccess': lines(row), 'trace.ts': tracer, 'own.ts': module(row.own), 'a.txt': 'file' }
    const app = await site(t, tree, { ini: row.ini ?? '', development: row.development ?? false })
    const answer = await app.inject(row.url ?? '/')
    t.equal(answer.statusCode, row.status)
    if (typeof row.body === 'string') t.equal(answer.body, row.body)
    else t.match(answer.body, row.body)
    t.match(answer.headers, row.headers ?? {})
    t.same(await ran(), row.ran)
    if (row.log !== undefined) t.match(app.errorLog(), row.log)
  })
