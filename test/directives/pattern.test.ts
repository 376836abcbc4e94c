// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the language, not of JavaScript
import t from 'tap'
import { compilePattern, hasWildcard, wildcardSource } from '../../directives/pattern.ts'
import { cpuMs } from '../support/cpu-ms.ts'

const tail = `${'a'.repeat(40)}b`

for (const source of [
  '(a+)+$',
  '^(a+)+$',
  '^(a|a)*$',
  '^(.*a){16}$',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '^(a*)*(a*)*(a*)*$',
])
  t.test(`${source} does not run away`, async t => {
    const pattern = compilePattern(source)
    for (const subject of [tail, `${'a'.repeat(8000)}!`]) {
      const start = cpuMs()
      t.notOk(pattern.matches(subject))
      t.ok(cpuMs() - start < 200, 'is quick')
    }
  })

for (const [source, what] of [
  ['(', 'a regular expression'],
  ['(?i)x', 'a regular expression'],
  ['(a)\\1', 'without lookaround'],
  ['(?=a)', 'without lookaround'],
  ['(?!a)', 'without lookaround'],
  ['^(.*a){20}$', 'repetition above'],
  ['x'.repeat(1001), 'at most 1000 characters'],
] as const)
  t.test(`${source.slice(0, 20)} is an error`, async t => {
    t.throws(() => compilePattern(source), { message: new RegExp(`^expected .*${what}`) })
  })

t.test('a subject is cut at 8 KiB', async t => {
  const pattern = compilePattern('b$')
  t.ok(pattern.matches(`${'a'.repeat(8191)}b`))
  t.notOk(pattern.matches(`${'a'.repeat(8192)}b`))
})

for (const [wildcard, yes, no] of [
  ['*.html', ['a.html', '.html'], ['a.htmlx', 'd/a.html', 'ahtml']],
  ['?.x', ['a.x'], ['ab.x', '.x', '/.x']],
  ['[a-c]x', ['bx'], ['dx', '-x']],
  ['[!a-c]x', ['dx'], ['bx', '/x']],
  ['[^a]', ['b'], ['a', '/']],
  ['[]x]', [']', 'x'], ['a']],
  ['a.b+(c)', ['a.b+(c)'], ['axb+(c)', 'a.bb(c)']],
  ['\\*', ['*'], ['a', '\\*']],
  ['[ab', ['[ab'], ['a']],
  ['${x}|^y$', ['${x}|^y$'], ['y']],
  [`${'*a'.repeat(14)}*b`, [`${'a'.repeat(14)}b`], ['a'.repeat(200)]],
] as const)
  t.test(`the wildcard ${wildcard}`, async t => {
    const pattern = compilePattern(`^${wildcardSource(wildcard)}$`)
    for (const name of yes) t.ok(pattern.matches(name), name)
    for (const name of no) t.notOk(pattern.matches(name), name)
  })

t.test('names without wildcards are known as such', async t => {
  t.notOk(hasWildcard('page.html'))
  for (const text of ['*', 'a?', '[a]', '\\a']) t.ok(hasWildcard(text))
})
