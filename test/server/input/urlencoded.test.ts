import t from 'tap'
import { urlencodedPairs } from '../../../server/input/urlencoded.ts'

t.test('pairs are those of the URL standard', async t => {
  const pieces = [
    'a',
    'é',
    '=',
    '&',
    '+',
    '%',
    '%2',
    '%zz',
    '%41',
    '%e9',
    '%C3%A9',
    '%c3',
    '%F0%9F%98%80',
    '%EF%BB%BF',
    '%00',
    '?',
    ' ',
    '\0',
    '%26',
    '%3d',
    '%2B',
    ';',
  ]
  let seed = 1
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: random(12) }, () => pieces[random(pieces.length)]).join('')
    // which takes a question mark at the beginning for the query's
    const expected = [...new URLSearchParams(`&${text}`)]
    if (JSON.stringify(urlencodedPairs(text)) !== JSON.stringify(expected))
      t.same(urlencodedPairs(text), expected, text)
  }
  t.same(urlencodedPairs(''), [])
})

t.test('more pairs than are wanted are none', async t => {
  t.same(urlencodedPairs('a=1&&b=2&', 2), [
    ['a', '1'],
    ['b', '2'],
  ])
  t.equal(urlencodedPairs('a=1&b=2&c', 2), undefined)
})
