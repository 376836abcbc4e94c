import t from 'tap'
import { isHiddenName, isServable, nameClass, type ServableRules } from '../../../server/files/hidden-names.ts'

const accessFileNames = ['.psoaccess', 'Access.conf']
const ends = ['', '.gz', '.br', '.zst', '.GZ', '.gz.br', '.', '..', ' ', '. .', '.gz.']

const hidden = [
  '.env',
  '.psoaccess',
  '.htaccess',
  '.well-known2',
  'access.conf',
  'ACCESS.CONF',
  'a.txt~',
  '#a.txt#',
  ...['bak', 'orig', 'save', 'old', 'tmp', 'swp', 'swo', 'rej', 'BAK'].map(extension => `a.${extension}`),
  ...['ts', 'mts', 'js', 'mjs', 'cjs', 'TS'].map(extension => `handler.${extension}`),
  'Handler.ts',
  'handler.ts.bak',
]
const sources = ['a.ts', 'a.mts', 'a.cts', 'a.tsx', 'a.TS', 'a.d.ts', 'myhandler.ts', 'handler.x.ts', 'handler.cts']
const plain = [
  'a.txt',
  'a.js',
  'handler.html',
  'handler',
  'handler.json',
  'ahandler.js',
  'ts',
  'bak',
  'a.ts.jpg',
  'a~b',
  '#a',
  'a#',
  'readme',
  'x.tsv',
  'access.conf.html',
  'my.access.conf',
]

t.test('hidden names and sources are known whatever the case and what is behind them', async t => {
  for (const end of ends) {
    for (const name of hidden) t.equal(nameClass(name + end, accessFileNames), 'hidden', name + end)
    for (const name of sources) t.equal(nameClass(name + end, accessFileNames), 'source', name + end)
    for (const name of plain) t.equal(nameClass(name + end, accessFileNames), 'plain', name + end)
  }
  t.equal(nameClass('.well-known', accessFileNames), 'plain')
  t.equal(isHiddenName('a.ts', accessFileNames), true)
  t.equal(isHiddenName('a.js', accessFileNames), false)
})

t.test('a name of dots and endings takes no time', async t => {
  t.equal(nameClass(`a${'.gz. '.repeat(2000)}`, accessFileNames), 'plain')
  t.equal(nameClass(`a${'. '.repeat(4000)}x`, accessFileNames), 'plain')
})

const root = '/home/.sites/www'
const rules = (more: Partial<ServableRules> = {}): ServableRules => ({
  accessFileNames,
  isModule: path => path === `${root}/app.js`,
  allowTypeScript: false,
  allowOutside: false,
  ...more,
})

t.test('the second check judges every name below the root, and modules', async t => {
  for (const [path, expected] of [
    ['/a.txt', true],
    ['/shop/b.js', true],
    ['/.well-known/security.txt', true],
    ['/types.ts/a.txt', true],
    ['/.git/config', false],
    ['/old.bak/a.txt', false],
    ['/shop/HANDLER.ts', false],
    ['/film.ts', false],
    ['/app.js', false],
    ['/app.js.gz', false],
    ['/app.js.GZ', false],
    ['/app.json', true],
  ] as const)
    t.equal(isServable(root + path, root, rules()), expected, path)
  t.equal(isServable(`${root}/film.ts`, root, rules({ allowTypeScript: true })), true)
  t.equal(isServable(`${root}/handler.ts`, root, rules({ allowTypeScript: true })), false)
})

t.test('outside the root nothing, unless Options says so, and then no hidden names', async t => {
  for (const [path, expected] of [
    ['/etc/passwd', true],
    ['/home/.sites/shared/a.png', true],
    ['/home/.sites/www2/a.png', true],
    ['/home/.ssh/id', false],
    ['/home/.sites/.env', false],
    ['/srv/handler.ts', false],
  ] as const) {
    t.equal(isServable(path, root, rules()), false, path)
    t.equal(isServable(path, root, rules({ allowOutside: true })), expected, path)
  }
})
