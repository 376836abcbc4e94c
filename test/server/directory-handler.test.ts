import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Directives, HandlerRef, Merged, Origin } from '../../directives/index.ts'
import { directoryHandler } from '../../server/directory-handler.ts'

interface Given {
  readonly files: NonNullable<Parameters<Test['testdir']>[0]>
  /** Directories of the chain with an access file, below the root; `-` before one without `Handlers`. */
  readonly access?: readonly string[]
  /** The lines in the order they were read: where, and what they say. */
  readonly lines?: readonly (readonly [directory: string, value: string, section?: string])[]
}

/** The handler for /a/b/, as `module @ directory`, with `own` where it is. */
function found(t: Test, { files, access = [], lines = [] }: Given): string {
  const root = realpathSync(t.testdir(files))
  const at = (directory: string) => ({ file: join(root, directory, '.psoaccess'), line: 1 })
  const ref = (directory: string, module: string): HandlerRef => ({
    module,
    base: join(root, directory),
    at: at(directory),
  })
  const origins: Origin[] = lines.map(([directory, value, section]) => ({
    at: at(directory),
    directory: join(root, directory),
    value,
    reset: value === '',
    ...(section === undefined ? {} : { section }),
  }))
  const last = lines.at(-1)
  const value = last === undefined || last[1] === '' ? undefined : last[1] === 'none' ? [] : [ref(last[0], last[1])]
  const merged: Merged = {
    directives: { PSOHandler: value } as unknown as Directives,
    origins: new Map(origins.length === 0 ? [] : [['PSOHandler', origins]]),
    unknown: [],
    problems: [],
    levels: ['', 'a', 'a/b'].map(directory => ({
      directory: join(root, directory),
      allows: new Set(access.includes(`-${directory}`) ? [] : ['Handlers']),
      ...(access.includes(directory) || access.includes(`-${directory}`) ? { accessFile: at(directory).file } : {}),
    })),
  }
  const handler = directoryHandler(merged)
  if (handler === undefined) return 'none'
  const where = handler.directory.slice(root.length) || '/'
  return `${handler.handlers.map(({ module }) => module)} @ ${where}${handler.own ? ' own' : ''}`
}

const everywhere = { 'handler.ts': '', a: { 'handler.mts': '', b: { 'handler.js': '' } } }

for (const [title, given, expected] of [
  ['handler.ts beside an access file', { files: everywhere, access: ['', 'a', 'a/b'] }, 'handler.js @ /a/b own'],
  ['without one beside it, it is inert', { files: everywhere, access: ['', 'a'] }, 'handler.mts @ /a'],
  ['nor without Handlers', { files: everywhere, access: ['', '-a', '-a/b'] }, 'handler.ts @ /'],
  ['none anywhere', { files: everywhere }, 'none'],
  ['a directory is no handler file', { files: { a: { b: { 'handler.ts': {} } } }, access: ['a/b'] }, 'none'],
  [
    '.ts goes before .js',
    { files: { a: { b: { 'handler.js': '', 'handler.ts': '' } } }, access: ['a/b'] },
    'handler.ts @ /a/b own',
  ],
  [
    'a line goes before the file beside it',
    { files: everywhere, access: ['a/b'], lines: [['a/b', 'x.ts']] },
    'x.ts @ /a/b own',
  ],
  [
    'a file below goes before a line above',
    { files: everywhere, access: ['a', 'a/b'], lines: [['a', 'x.ts']] },
    'handler.js @ /a/b own',
  ],
  ['a line is inherited', { files: {}, access: ['a'], lines: [['a', 'x.ts']] }, 'x.ts @ /a'],
  [
    'the nearest line',
    {
      files: {},
      lines: [
        ['', 'x.ts'],
        ['a', 'y.ts'],
      ],
    },
    'y.ts @ /a',
  ],
  ['none ends the search', { files: everywhere, access: [''], lines: [['a', 'none']] }, 'none'],
  [
    'a reset leaves the file of its own level',
    {
      files: everywhere,
      access: ['', 'a'],
      lines: [
        ['', 'x.ts'],
        ['a', ''],
      ],
    },
    'handler.mts @ /a',
  ],
  [
    'a reset ends what is above',
    {
      files: { 'handler.ts': '' },
      access: ['', 'a'],
      lines: [
        ['', 'x.ts'],
        ['a', ''],
      ],
    },
    'none',
  ],
  [
    'a section goes before all',
    { files: everywhere, access: ['', 'a/b'], lines: [['', 'x.ts', 'Files *.html']] },
    'x.ts @ /',
  ],
  [
    'and so does none in a section',
    { files: everywhere, access: ['a/b'], lines: [['a', 'none', 'Files *.html']] },
    'none',
  ],
] as const satisfies readonly (readonly [string, Given, string])[])
  t.test(title, async t => {
    t.equal(found(t, given), expected)
  })
