// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the language, not of JavaScript
import t from 'tap'
import { expandVariables, readWords } from '../../directives/words.ts'

for (const [text, words] of [
  ['', []],
  ['  a\tb ', ['a', 'b']],
  ['"a b" c', ['a b', 'c']],
  ['""', ['']],
  ['\'a "b"\'', ['a "b"']],
  ['"a \\" b" \'it\\\'s\'', ['a " b', "it's"]],
  ['"a\\\\" b', ['a\\', 'b']],
  ['"a\\nb" C:\\dir', ['a\\nb', 'C:\\dir']],
  ["it's don't", ["it's", "don't"]],
  ['a"b c"', ['a"b', 'c"']],
] as const)
  t.test(`${JSON.stringify(text)} as words`, async t => {
    t.same(readWords(text), words)
  })

t.test('text that touches a closing quote is an error', async t => {
  t.throws(() => readWords('"a"b'), { message: 'expected white space after the closing quote, got "b"' })
})

t.test('variables are replaced wherever they stand in a word, and the value is not read again', async t => {
  const unset: string[] = []
  const environment = { A: 'x ${B}', B: '', toString: undefined }
  t.equal(
    expandVariables('1${A}2${B}3${C}${', environment, name => unset.push(name)),
    '1x ${B}23${C}${',
  )
  t.same(unset, ['C'])
})

t.test('what every object has is no variable', async t => {
  const unset: string[] = []
  expandVariables('${constructor}${__proto__}', {}, name => unset.push(name))
  t.same(unset, ['constructor', '__proto__'])
})
