/** One example of the how-to, in a directory of its own. */
export interface Example {
  /** Below the document root. */
  readonly directory: string
  readonly title: string
  /** What stands between backticks is code. */
  readonly text: string
}

/** A section of the how-to, with the examples that run it. */
export interface Section {
  readonly title: string
  readonly text: string
  readonly examples: readonly Example[]
}

export const sections: readonly Section[] = [
  {
    title: 'Real quick example: 95 % of the time',
    text: 'The how-to adds sessions to mod_python’s “Hello World!” by two lines of configuration. Here it takes none: the fixup phase brings the session, the log phase ends it, both by default.',
    examples: [
      {
        directory: 'counter',
        title: 'The visit counter',
        text: 'An empty `.psoaccess` makes the directory live, `handler.ts` beside it answers. The first visit creates a session and sends its cookie; each reload counts.',
      },
    ],
  },
  {
    title: 'More control: that last 5 %',
    text: 'What mod_python wrote as `PythonOption PSOServiceId shop` is `PSOServiceId = shop` here.',
    examples: [
      {
        directory: 'service-id',
        title: 'Setting the service id',
        text: 'A service is one application, and its id names its session cookie, `MI6Service=…`. Without the line it would be named after host and module, `localhost.service-id.handler`.',
      },
      {
        directory: 'forced-id',
        title: 'Forcing the session id',
        text: 'A directive whose name is the service id forces the session’s. All visitors share that session, and nobody gets a cookie: open it in two browsers.',
      },
    ],
  },
  {
    title: 'Setting when a session expires',
    text: 'By default the cookie ends with the browser, and the server forgets what was idle for a day. A life span or a date holds at the server too, whatever the browser sends.',
    examples: [
      {
        directory: 'expire-number',
        title: 'A number',
        text: 'So many seconds after the session’s creation: a reload does not make it longer. What follows the `#` is a comment.',
      },
      {
        directory: 'expire-expression',
        title: 'An expression',
        text: 'Simple ones, of digits and `+ - * / ( )`: the same fifteen minutes.',
      },
      {
        directory: 'expire-date',
        title: 'A date',
        text: 'An HTTP date, in any of its three forms. The browser may forget the cookie earlier: most keep none for more than 400 days.',
      },
      { directory: 'expire-on', title: 'A day', text: 'Until that day is over, in GMT. `2040-12-31` does as well.' },
      {
        directory: 'expire-in-code',
        title: 'In your code',
        text: '`session.expire()` ends it right away: the entry is gone, and the cookie with it. A number means seconds from now; a date, or a text with its format, a given day.',
      },
    ],
  },
  {
    title: 'Reverting and saving',
    text: 'A session is saved by itself before the last byte of the response leaves.',
    examples: [
      {
        directory: 'revert',
        title: 'Reverting the current session to its previous state',
        text: '`revert()` goes back to the last load or save.',
      },
      {
        directory: 'save',
        title: 'Explicitly saving the current session',
        text: 'A handler that throws leaves the session as it was, but what it saved itself stays: fail, come back, and compare the two numbers.',
      },
    ],
  },
  {
    title: 'Storing the session files in another path',
    text: 'There are several ways of doing this.',
    examples: [
      {
        directory: 'path-directive',
        title: 'By a directive',
        text: 'The easy way. The path is relative to `StateDirectory`, and the directory is made if it is missing.',
      },
      {
        directory: 'path-class',
        title: 'By PATH',
        text: 'For the OO fans: a subclass overloads `PATH`, and a fixup of your own plugs it in.',
      },
      {
        directory: 'path-method',
        title: 'By getPath',
        text: 'For more control: the method knows the request and the session’s service.',
      },
    ],
  },
  {
    title: 'Storing the session in a database',
    text: 'Another OO example: an implementation of your own is a loader mixed in with `SessionImpl`. `PSOSessionLoader = module::Class` plugs a loader without a fixup.',
    examples: [
      {
        directory: 'database',
        title: 'A loader of your own',
        text: '`load` and `save` are enough: nobody else has the session between the two, and `save` just stores what it is given. Values are parameters, never a part of the SQL. The class declares a directive of its own, which `.psoaccess` sets like any other.',
      },
    ],
  },
  {
    title: 'The session cookie’s path and domain',
    text: '`PSOCookieSession_` and the name of an attribute: Comment, Domain, Max-Age, Path, Secure, Version and expires as in the how-to, and what browsers have learnt since: HttpOnly, SameSite, Partitioned, Priority. They change the cookie only, never how long the server keeps the session.',
    examples: [
      {
        directory: 'cookie-path',
        title: 'The path, and more',
        text: 'The browser sends this cookie to `/cookie-path/` and below, for an hour, and never on the way from another site.',
      },
      {
        directory: 'cookie-domain',
        title: 'The domain',
        text: 'One session for all hosts of `pso.localhost`, names that browsers look for on this machine. Under any other name the browser refuses the cookie, and every visit is the first.',
      },
    ],
  },
  {
    title: 'Doing things without cookies',
    text: 'By default the session’s id travels in a cookie. A visitor who takes none can bring it in the URL, and best are both: the cookie where it comes back, the URL where it does not.',
    examples: [
      {
        directory: 'without-cookies',
        title: 'serviceUrl',
        text: 'A link made by `serviceUrl()` carries the id for as long as no cookie has brought it: the first page has it, the second only if you block cookies. No cache keeps such a page, no other site is told its URL, and the log masks the id.',
      },
    ],
  },
  {
    title: 'What’s going on',
    text: 'Every request passes the phases of Apache, and each has its directive, from `PSOPostReadRequestHandler` to `PSOCleanupHandler`.',
    examples: [
      {
        directory: 'fixup-and-log',
        title: 'Fixup and log handlers of your own',
        text: 'Naming others replaces the default, and a list may contain it. The log handler runs once for every request, when its response is over, whatever came of it.',
      },
      {
        directory: 'level1',
        title: 'Three levels of inheritance',
        text: 'Level 1 sets two options, level 2 overrides one, level 3 takes both back; a directory without a file has all from above. The handler stands in level 1 alone: one service, one session.',
      },
    ],
  },
  {
    title: 'What else can I do with pso',
    text: '`req.pso()` is the service request: a bridge for what web services do most.',
    examples: [
      {
        directory: 'form',
        title: 'Getting form input',
        text: '`getInput` reads form and query alike. `redirect` ends the request at once, and the session is saved all the same.',
      },
      {
        directory: 'upload',
        title: 'Getting uploaded files',
        text: 'A file is on disk when the handler begins, and gone when the request is over. `keep()` leaves it in the state directory, and `save(name, directory)` moves it where you want it: never over a handler, never out of that directory.',
      },
      {
        directory: 'service-request',
        title: 'Headers, cookies, status, log',
        text: 'One click each. What `log` writes goes to the file that `PSOLog` names, in the state directory.',
      },
      {
        directory: 'downloads',
        title: 'Files, with a listing',
        text: 'Files are served as they are, and `Options` lets a directory be listed; a listing goes before an inherited handler.',
      },
    ],
  },
  {
    title: 'Installation example',
    text: 'One request handler can be a module of the server or a CGI program, without modification; in a shell `./test.cgi` prints its cookie, its content type and its page.',
    examples: [
      {
        directory: 'psotest',
        title: 'A handler as a CGI program',
        text: '`test.cgi` is a link to `testHandler.ts`, which is executable: open it in the listing. Apache runs the same file by `pso cgi`, and so does node by the last line.',
      },
    ],
  },
]

const examples = sections.flatMap(({ title, examples }) => examples.map(example => ({ ...example, section: title })))

/** The example that a URL path belongs to, with its section's title; a RangeError where there is none. */
export function exampleAt(path: string): Example & { readonly section: string } {
  const found = examples.find(({ directory }) => path.startsWith(`/${directory}/`))
  if (found === undefined) throw new RangeError(`expected the path of an example, got ${path}`)
  return found
}
