import t from 'tap'
import { readSection, type SectionName } from '../../directives/section.ts'

const place = { serverRoot: '/srv', realPath: (path: string) => path.replace('/srv/link', '/data/real') }

for (const [name, argument, yes, no] of [
  ['Files', ['page.html'], ['page.html'], ['Page.html', 'page.html2', 'apage.html']],
  ['Files', ['*.html'], ['a.html'], ['a.txt']],
  ['Files', ['~', '\\.html?$'], ['a.htm'], ['a.html2']],
  ['FilesMatch', ['^a'], ['abc'], ['ba']],
  ['Directory', ['/srv/www/'], ['/srv/www'], ['/srv/www/a', '/srv/wwwx', '/srv']],
  ['Directory', ['www'], ['/srv/www'], ['/www']],
  ['Directory', ['/home/*/public'], ['/home/a/public'], ['/home/a/b/public']],
  ['Directory', ['/'], ['/'], ['/srv']],
  ['Directory', ['link/up'], ['/srv/link/up', '/data/real/up'], ['/data/real']],
  ['Location', ['/a'], ['/a', '/a/', '/a/b'], ['/ab', '/', '/b/a']],
  ['Location', ['/a/'], ['/a/', '/a/b'], ['/a']],
  ['Location', ['/*/x'], ['/a/x', '/b/x/y'], ['/a/b/x']],
  ['Location', ['/'], ['/', '/a'], []],
] as const)
  t.test(`[${name} ${argument.join(' ')}]`, async t => {
    const { matches, written } = readSection(name, argument, place)
    t.equal(written, `${name} ${argument.join(' ')}`)
    for (const subject of yes) t.ok(matches(subject), subject)
    for (const subject of no) t.notOk(matches(subject), subject)
  })

for (const [name, argument, message] of [
  ['Files', [], 'got nothing'],
  ['Files', [''], 'got nothing'],
  ['Files', ['a', 'b'], 'in quotes if it has blanks'],
  ['Files', ['a/b'], 'without a slash'],
  ['Files', ['~', '('], 'a regular expression'],
  ['Files', ['[z-a]'], 'a regular expression'],
  ['FilesMatch', ['a', 'b'], 'in quotes if it has blanks'],
  ['Location', ['a'], 'begins with /'],
  ['Directory', [], 'got nothing'],
] as const)
  t.test(`[${name} ${argument.join(' ')}] is an error`, async t => {
    t.throws(() => readSection(name as SectionName, argument, place), { message: new RegExp(`^expected .*${message}`) })
  })
