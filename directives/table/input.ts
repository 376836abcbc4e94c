import { directive } from '../directive.ts'
import { integer, oneOf } from '../kinds.ts'
import { replace } from '../merge-rules.ts'

export const input = {
  PSOInput: directive({
    kind: oneOf('on', 'off'),
    default: 'on',
    scope: 'directory',
    override: 'Handlers',
    repeat: 'last',
    merge: replace,
    doc: 'Reads and parses urlencoded and multipart forms and JSON before the session is locked, 16 MiB of text at most, files to disk; `off` leaves every body to the handler: `req.read()`, `req.readline()`, `for await (const chunk of req)`.',
  }),
  PSOInputMaxFields: directive({
    kind: integer('NUMBER', 0),
    default: 1000,
    scope: 'directory',
    override: 'Handlers',
    repeat: 'last',
    merge: replace,
    doc: 'Sets how many fields the body of a form may have, not counting files; one of a multipart form has 1 MiB at most; 0 is no limit, and more is 413.',
  }),
  PSOInputMaxFiles: directive({
    kind: integer('NUMBER', 0),
    default: 20,
    scope: 'directory',
    override: 'Handlers',
    repeat: 'last',
    merge: replace,
    doc: 'Sets how many files a form may bring; 0 is no limit, and more is 413.',
  }),
  PSOInputMaxFileSize: directive({
    kind: integer('BYTES', 0),
    default: 0,
    scope: 'directory',
    override: 'Handlers',
    repeat: 'last',
    merge: replace,
    doc: 'Sets how many bytes each file of a form may have, within LimitRequestBody; 0 is no limit, and more is 413.',
  }),
  LimitRequestBody: directive({
    kind: integer('BYTES', 0),
    default: 10485760,
    scope: 'directory',
    override: 'any',
    repeat: 'last',
    merge: replace,
    doc: "Sets how many bytes a request's body may have, its files too, whoever reads it: a form, a handler, a CGI program; 0 is no limit, and more is 413.",
  }),
}
