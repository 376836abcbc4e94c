// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the language, not of JavaScript
import t from 'tap'
import { directive } from '../../directives/directive.ts'
import { type Kind, NotBuiltError } from '../../directives/kind.ts'
import type { Table } from '../../directives/layer.ts'
import { append, byKey, replace } from '../../directives/merge-rules.ts'
import { parseFile } from '../../directives/parse-file.ts'
import type { Source } from '../../directives/parsing.ts'
import { formatProblem } from '../../directives/problem.ts'
import { rows } from '../../directives/table.ts'
import { cpuMs } from '../support/cpu-ms.ts'

/** The words themselves; `bad` and `later` are values that the kind refuses. */
const words: Kind<readonly string[]> = {
  syntax: 'WORD …',
  parse(words, { base }) {
    if (words[0] === 'bad') throw new Error('expected better, got "bad"')
    if (words[0] === 'later') throw new NotBuiltError('later')
    return words[0] === 'base' ? [base] : words
  },
  show: words => words.join(' '),
}
const pairs: Kind<ReadonlyMap<string, string>> = {
  syntax: 'NAME VALUE',
  parse: ([name = '', value = '']) => new Map([[name, value]]),
  show: map => [...map].map(pair => pair.join(' ')).join(', '),
}
const row = {
  kind: words,
  default: [],
  scope: 'directory',
  override: 'Session',
  repeat: 'last',
  merge: replace,
} as const
const table = {
  One: directive({ ...row, aliases: ['Uno'], replaces: ['PythonOne', 'Ichi'], doc: '' }),
  Many: directive({ ...row, repeat: 'adds', within: append, doc: '' }),
  Free: directive({ ...row, override: 'any', doc: '' }),
  ByValue: directive({
    ...row,
    override: 'any',
    overrideFor: ([word]) => (word === 'x' ? 'Handlers' : 'Session'),
    doc: '',
  }),
  Server: directive({ ...row, scope: 'server', doc: '' }),
  Section: directive({ ...row, scope: 'section', doc: '' }),
  PSOName: directive({ ...row, doc: '' }),
  SetEnv: directive({ ...row, kind: pairs, default: new Map(), repeat: 'adds', merge: byKey, doc: '' }),
  PutEnv: directive({ ...row, kind: pairs, default: new Map(), repeat: 'adds', merge: byKey, into: 'SetEnv', doc: '' }),
  Include: directive({ ...row, scope: 'server', doc: '' }),
} satisfies Table

const read = (text: string, source: Partial<Source> = {}, rows: Table = table) =>
  parseFile(
    {
      file: '/site/f',
      text,
      scope: 'directory',
      allows: new Set(['Session']),
      serverRoot: '/root',
      context: {
        stateDirectory: '/state',
        documentRoot: '/site',
        environment: { A: 'a b' },
      },
      realPath: path => path,
      readIncluded: file => {
        throw new Error(`${file}: not there`)
      },
      ...source,
    },
    rows,
  )
const problemsOf = (text: string, source: Partial<Source> = {}) =>
  read(text, source).problems.map(problem => `${problem.code} ${formatProblem(problem)}`)

for (const [text, problem] of [
  ['One = bad', 'bad-value /site/f:1: One: expected better, got "bad"'],
  ['One = later', 'not-built /site/f:1: One: later is not built yet'],
  ['\none = bad', 'bad-value /site/f:2: One: expected better, got "bad"'],
  ['Ichi = 1', 'unknown-directive /site/f:1: Ichi: unknown directive (use One)'],
  ['PythonOne = 1 2', 'unknown-directive /site/f:1: PythonOne: unknown directive (write One = 1 2)'],
  ['PythonOne Many 2', 'bad-line /site/f:1: expected Name = arguments, got "PythonOne Many 2" (write Many = 2)'],
  [
    'One = ${B}',
    'unset-variable /site/f:1: One: expected a variable that ExposeEnv lists and the environment has, got ${B}',
  ],
  [
    '[Files ${B}]',
    'unset-variable /site/f:1: [Files]: expected a variable that ExposeEnv lists and the environment has, got ${B}',
  ],
  ['One = "a"b', 'bad-line /site/f:1: One: expected white space after the closing quote, got "b"'],
  ['Server = 1', 'wrong-place /site/f:1: Server: expected in server.ini, outside sections'],
  ['Section = 1', 'wrong-place /site/f:1: Section: expected in server.ini, plain or in a [Directory]'],
  ['ByValue = x', 'not-allowed /site/f:1: ByValue: expected AllowOverride to grant Handlers, got Session'],
  ['One = 1\nUno = 2', 'repeated /site/f:2: One: already set in line 1; the last stands'],
  ['[Fils x]', 'unknown-section /site/f:1: [Fils]: unknown section (did you mean [Files]?)'],
  ['[If x]', 'not-built /site/f:1: [If]: the section is not built yet'],
  ['[Location /]', 'wrong-place /site/f:1: [Location]: expected in server.ini'],
  ['[VirtualHost x]', 'wrong-place /site/f:1: [VirtualHost]: expected in server.ini'],
  ['[/Files]', 'bad-section /site/f:1: [/Files]: expected an open [Files], got none'],
  ['SetEnv = psoname bad', 'bad-value /site/f:1: PSOName: expected better, got "bad"'],
] as const)
  t.test(`a problem: ${text.replaceAll('\n', ' | ')}`, async t => {
    t.same(problemsOf(text), [problem])
  })

for (const text of [
  'Free = 1',
  'ByValue = y',
  'ByValue =',
  'One =',
  'One =\n[Files x]\nOne = 1',
  'Many = 1\nMany = 2',
  'Unknown = 1',
])
  t.test(`no problem: ${text.replaceAll('\n', ' | ')}`, async t => {
    t.same(problemsOf(text), [])
  })

t.test('without its group a line is not allowed, and an unknown name cannot be a forced session id', async t => {
  const allows = new Set(['Options'])
  t.match(problemsOf('One = 1\nOne =\nX = 1', { allows }), [
    /^not-allowed .*:1/,
    /^not-allowed .*:2/,
    /^unknown-directive .*:3/,
  ])
})

t.test('server.ini needs no grant, and may hold everything where it belongs', async t => {
  const source = { scope: 'server', allows: new Set<string>() } as const
  t.same(
    problemsOf('One = 1\nServer = 1\nSection = 1\n[Directory /a]\nSection = 1\nOne = 1\n[Files x]\nOne = 1', source),
    [],
  )
  t.match(problemsOf('[Directory /a]\nServer = 1\n[Files x]\nSection = 1', source), [
    /^wrong-place .*:2/,
    /^wrong-place .*:4/,
  ])
  t.match(problemsOf('[Location /a]\nSection = 1\n[Files x]', source), [/^wrong-place .*:2/, /^wrong-place .*:3/])
})

t.test('lines that may repeat add up, and the origin of each is kept', async t => {
  const { blocks } = read('Many = 1\nMany = 2 3\nMany =\nMany = 4\nmany = 5')
  const setting = blocks[0]!.settings.get('Many')
  t.match(setting, { reset: true, value: ['4', '5'] })
  t.same(
    setting?.origins.map(({ at, value, reset }) => [at.line, value, reset]),
    [
      [1, '1', false],
      [2, '2 3', false],
      [3, '', true],
      [4, '4', false],
      [5, '5', false],
    ],
  )
})

t.test('a reset with nothing after it has no value', async t => {
  t.notOk('value' in read('One = 1\nOne =').blocks[0]!.settings.get('One')!)
})

t.test('lines of another row are written into the one it names, in their order', async t => {
  const { settings } = read('SetEnv = A 1\nPutEnv = A 2\nPutEnv = B 3').blocks[0]!
  t.same([...settings.keys()], ['SetEnv'])
  t.same(
    settings.get('SetEnv')?.value,
    new Map([
      ['A', '2'],
      ['B', '3'],
    ]),
  )
})

t.test('a value of the environment is one word', async t => {
  t.same(read('One = x${A} y').blocks[0]!.settings.get('One')?.value, ['xa b', 'y'])
})

t.test('a module is found from the file that names it, the paths of a server row from the server root', async t => {
  const { settings } = read('One = base\nServer = base', { scope: 'server', file: '/root/conf/f' }).blocks[0]!
  t.same(settings.get('One')?.value, ['/root/conf'])
  t.same(settings.get('Server')?.value, ['/root'])
})

t.test('an unknown name is remembered with its section', async t => {
  const { blocks } = read('X = 1 2\n[Files a]\nY =')
  t.same(
    blocks.map(({ unknown }) => unknown.map(({ name, value }) => [name, value])),
    [[['X', '1 2']], [['Y', '']]],
  )
})

t.test('included files stand in place of the line, and their sections end with them', async t => {
  const files: Record<string, string> = {
    '/root/conf/a/b': 'Many = 2\nInclude = c\n[Files x]\nOne = 1',
    '/root/conf/a/c': 'Many = 3',
  }
  const source: Partial<Source> = { scope: 'server', file: '/root/conf/f', readIncluded: file => files[file] ?? '' }
  const { blocks, problems } = read('Many = 1\nInclude = a/b\nMany = 4', source)
  t.same(problems, [])
  t.same(blocks[0]!.settings.get('Many')?.value, ['1', '2', '3', '4'])
  t.same(
    blocks[0]!.settings.get('Many')?.origins.map(({ at }) => `${at.file}:${at.line}`),
    ['/root/conf/f:1', '/root/conf/a/b:1', '/root/conf/a/c:1', '/root/conf/f:3'],
  )
})

t.test('files that include one another for ever are an error', async t => {
  let count = 0
  const source: Partial<Source> = { scope: 'server', readIncluded: () => `Include = ${++count}` }
  t.match(problemsOf('Include = x', source), [/bad-value .*Include: expected at most 10 files/])
})

t.test('ten thousand lines are read in a moment, whatever they say', async t => {
  const many = (line: (n: number) => string): string => Array.from({ length: 10_000 }, (_, n) => line(n)).join('\n')
  for (const text of [
    many(n => `SetEnv = A${n} ${n}`),
    many(n => `Many = ${n}`),
    many(n => `One = ${n}`),
    many(n => `PSOSesionExpir${n} = 1`),
    many(n => `PSOSesionExpir ${n}`),
    many(n => `[Files ${n}*]`),
    many(n => ['[Files a]', '[FilesMatch b]'][n % 2]!),
    many(n => `[If${'x'.repeat(n % 50)}]`),
    many(() => '[/Files]'),
  ]) {
    const start = cpuMs()
    read(text)
    t.ok(cpuMs() - start < 1000, text.slice(0, 20))
  }
})

t.test('no text makes it throw or dawdle', async t => {
  const random = seeded(20261124)
  const pieces = [
    ...[
      'One',
      'Many',
      'SetEnv',
      'Include',
      'Server',
      'Nope',
      'PSOName',
      '__proto__',
      'Files',
      'FilesMatch',
      'If',
      'Directory',
    ],
    ...[
      '=',
      ' = ',
      '[',
      ']',
      '[/',
      '"',
      "'",
      '\\',
      '#',
      ';',
      ' ',
      '\t',
      '\n',
      '\r\n',
      '\\\n',
      '\0',
      '${A}',
      '${',
      '}',
      '*',
      '(',
      ')+',
      '~',
    ],
    ...['\uFEFF', '\uD800', 'é', '<Files>', 'bad', 'a{3}', '(?=', '[[]', '\u2028', '1e9'],
  ]
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: random(60) }, () => pieces[random(pieces.length)]).join('')
    const start = cpuMs()
    const scope = round % 2 === 0 ? 'server' : 'directory'
    for (const { at, message } of read(text, { scope }).problems)
      if (at.line < 1 || at.line > 100 || message === '') t.fail(`a problem without a place: ${JSON.stringify(text)}`)
    if (cpuMs() - start > 500) t.fail(`slow: ${JSON.stringify(text)}`)
  }
  t.pass('3000 files read')
})

t.test('no value makes a kind of the real table throw anything but a sentence, or be slow', async t => {
  const random = seeded(42)
  const names = Object.keys(rows).filter(name => name !== 'Include')
  const values = [
    ...[
      'on',
      'none',
      'All',
      '+Indexes',
      '900',
      '15*60',
      '((((1',
      '1e999',
      '-1',
      '99999999999999999999',
      'a.ts::f',
      '|',
      '.html',
    ],
    ...[
      'set',
      'X-A',
      '404',
      '/x',
      'http://h/',
      'redis://u:p@h/',
      'memory:',
      '"a b"',
      '""',
      '*',
      '[::1]:80',
      'text/html',
      'disabled',
    ],
    ...[
      '%h',
      '%{x}i',
      'Mon, 15 Apr 2030 19:00:00 GMT',
      '31-13-2030',
      '__proto__',
      'constructor',
      'granted',
      'é',
      'x'.repeat(300),
    ],
  ]
  for (let round = 0; round < 3000; round++) {
    const line = (): string =>
      `${names[random(names.length)]} = ${Array.from({ length: random(5) }, () => values[random(values.length)]).join(' ')}`
    const text = Array.from({ length: 1 + random(5) }, line).join('\n')
    const start = cpuMs()
    const environment = Object.create(null)
    const context = { stateDirectory: '/state', documentRoot: '/site', environment }
    const { problems } = read(text, { context, scope: 'server' }, rows)
    for (const { message } of problems)
      if (!/^(expected|already|unknown) |is not built yet$/.test(message)) t.fail(`${message}: ${JSON.stringify(text)}`)
    if (cpuMs() - start > 500) t.fail(`slow: ${JSON.stringify(text)}`)
  }
  t.pass('3000 files read')
})

/** Numbers from 0 to below a limit, the same ones in each run. */
function seeded(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}
