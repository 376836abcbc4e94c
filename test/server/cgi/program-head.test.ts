import t from 'tap'
import { ProgramFailure } from '../../../server/cgi/program-failure.ts'
import { ProgramHead } from '../../../server/cgi/program-head.ts'

function read(text: string, size = text.length) {
  const head = new ProgramHead('/srv/x.cgi')
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) {
    const rest = head.push(bytes.subarray(at, at + size))
    if (rest !== undefined)
      return { fields: head.fields, status: head.status, rest: rest.toString() + bytes.subarray(at + size).toString() }
  }
  return undefined
}

t.test('lines end with LF or CRLF, and the body is what follows the empty one, however the bytes come', async t => {
  for (const [text, fields, rest] of [
    [
      'A: 1\nB: 2\n\nbody\n',
      [
        ['A', '1'],
        ['B', '2'],
      ],
      'body\n',
    ],
    [
      'A: 1\r\nB: 2\r\n\r\nbody\r\n\r\n',
      [
        ['A', '1'],
        ['B', '2'],
      ],
      'body\r\n\r\n',
    ],
    ['A: 1\r\n\nbody', [['A', '1']], 'body'],
    ['A: 1\n\r\n', [['A', '1']], ''],
    ['A:   1 \t\n\n', [['A', '1']], ''],
    ['A:\n\n', [['A', '']], ''],
    ['A: b:c\n\n\n', [['A', 'b:c']], '\n'],
    ['\nbody', [], 'body'],
    [
      'Set-Cookie: a=1\nset-cookie: b=2\n\n',
      [
        ['Set-Cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
      '',
    ],
  ] as const)
    for (const size of [1, 2, 3, 1000]) t.match(read(text, size), { fields, rest }, JSON.stringify([text, size]))
  t.equal(read('A: 1\nB: 2\n'), undefined, 'not complete')
  t.same(read('A: é\n\n')!.fields, [['A', Buffer.from('é').toString('latin1')]], 'bytes are kept')
})

t.test('Status is a number from 200 to 999, with or without its reason', async t => {
  for (const [text, status] of [
    ['200', { code: 200, reason: '' }],
    ['404 Not Found', { code: 404, reason: 'Not Found' }],
    ['299 Half  done', { code: 299, reason: 'Half  done' }],
    ['404Gone', { code: 404, reason: 'Gone' }],
    ['999', { code: 999, reason: '' }],
  ] as const)
    t.same(read(`Status: ${text}\n\n`)!.status, status, text)
  t.same(read('sTATUS: 404\nX: 1\nStatus: 410\n\n')!.status, { code: 410, reason: '' }, 'the last counts')
  for (const text of ['', 'OK', '99', '0', '-200', '1000', '100 Continue', '101', '2OO', '0404', '404.5.6'.slice(0, 2)])
    t.throws(
      () => read(`Status: ${text}\n\n`),
      new ProgramFailure(
        `malformed header from script /srv/x.cgi: expected a Status from 200 to 999, got ${JSON.stringify(text)}`,
      ),
      text,
    )
})

t.test('what is no header is wrong as soon as it shows', async t => {
  for (const [text, what] of [
    ['hello world\n', 'bad header: "hello world"'],
    ['A: 1\n<html>\n', 'bad header: "<html>"'],
    [': 1\n', 'bad header: ": 1"'],
    ['Bad Name: 1\n', 'bad header: "Bad Name: 1"'],
    ['A: 1\n folded: 2\n', 'bad header: " folded: 2"'],
    ['A: \u0001\n', 'bad header: "A: \\u0001"'],
    ['A: b\rC: d\n', 'bad header: "A: b\\rC: d"'],
    ['Content-Length: -1\n', 'bad Content-Length: "-1"'],
    ['Content-Length: 5, 5\n', 'bad Content-Length: "5, 5"'],
    [`${'long '.repeat(20)}\n`, `bad header: "${'long '.repeat(12)}…"`],
    [`X: ${'x'.repeat(70_000)}`, 'its header has more than 65536 bytes'],
    ['X: y\n'.repeat(20_000), 'its header has more than 65536 bytes'],
  ] as const)
    for (const size of [7, 100_000])
      t.throws(() => read(text, size), new ProgramFailure(`malformed header from script /srv/x.cgi: ${what}`), what)
})
