import { realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { check, formatProblem } from '../../directives/index.ts'
import { realPathOf } from '../../directives/real-path.ts'

t.test('links are resolved, also those to what is not there yet', async t => {
  const top = realpathSync(t.testdir({ real: { a: '' } }))
  const link = (target: string, name: string): void => symlinkSync(target, join(top, name))
  link('real', 'to-directory')
  link('real/later', 'to-nothing')
  link('to-nothing', 'to-link')
  link('loop-b', 'loop-a')
  link('loop-a', 'loop-b')
  for (const [path, real] of [
    ['real/a', 'real/a'],
    ['to-directory', 'real'],
    ['to-directory/a', 'real/a'],
    ['to-directory/b/c', 'real/b/c'],
    ['to-nothing', 'real/later'],
    ['to-link/x', 'real/later/x'],
    ['not/there', 'not/there'],
  ] as const)
    t.equal(realPathOf(join(top, path)), join(top, real), path)
  t.match(realPathOf(join(top, 'loop-a/x')), /loop-[ab]\/x$/, 'a loop ends')
  t.equal(realPathOf('/'), '/')
})

t.test('a path for writing may not reach the document root by a link', async t => {
  const top = realpathSync(
    t.testdir({
      conf: {
        'server.ini':
          'DocumentRoot = www\nStateDirectory = public_html/out/state\nPSOLog = pub.log\n[Files b]\nPSOLog = handler.log\n[Files c]\nPSOLog = access.log\n[Files x]\nPSOSessionFileLoader_Path = ../../public_html/.x',
      },
      public_html: {},
      elsewhere: { state: {} },
    }),
  )
  symlinkSync('public_html', join(top, 'www'))
  symlinkSync('../elsewhere', join(top, 'public_html/out'))
  symlinkSync('/elsewhere/a.ts', join(top, 'elsewhere/state/handler.log'))
  symlinkSync('/elsewhere/.psoaccess', join(top, 'elsewhere/state/access.log'))
  symlinkSync('../../public_html/later.log', join(top, 'elsewhere/state/pub.log'))
  const outside = 'a path outside the document root, or one with a component that begins with a dot'
  t.same(
    check({ file: 'conf/server.ini', environment: {}, cwd: top }).map(problem =>
      formatProblem(problem).replaceAll(`${top}/`, ''),
    ),
    [
      `conf/server.ini:2: StateDirectory: expected ${outside}, got "public_html/out/state"`,
      `conf/server.ini:3: PSOLog: expected ${outside}, got "pub.log"`,
      `conf/server.ini:5: PSOLog: expected a path without a handler's extension, got "handler.log"`,
      `conf/server.ini:7: PSOLog: expected a path that is no access file, got "access.log"`,
    ],
  )
})
