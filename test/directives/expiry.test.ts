import t from 'tap'
import { expiry, expiryDay } from '../../directives/expiry.ts'
import { arithmetic } from '../../directives/kinds/arithmetic.ts'
import { context } from '../support/value-context.ts'

t.test('expressions of digits and + - * / ( )', async t => {
  for (const [text, value] of [
    ['900', 900],
    ['15*60', 900],
    ['(1+1)*60', 120],
    ['1+2*3', 7],
    ['10-2-3', 5],
    ['8/2/2', 2],
    ['1.5*60', 90],
    ['.5*60', 30],
    ['2.', 2],
    [' 15 * 60 ', 900],
    ['-(-5)', 5],
    ['((((1))))', 1],
    ['-5', -5],
  ] as const)
    t.equal(arithmetic(text), value, text)
})

t.test('nothing else is read as an expression, and nothing is run', async t => {
  for (const text of [
    '',
    ' ',
    '1 2',
    '1..2',
    '1e3',
    '0x10',
    '1+',
    '*2',
    '(1',
    '1)',
    '()',
    '1/0',
    '0/0',
    'process.exit()',
    '2**3',
    '9'.repeat(201),
  ])
    t.equal(arithmetic(text), undefined, text)
  t.equal(arithmetic('('.repeat(100000)), undefined, 'deep nesting')
})

t.test('an expiry is a life span or a date', async t => {
  for (const [text, value] of [
    ['900', { seconds: 900 }],
    ['15*60', { seconds: 900 }],
    ['15 * 60', { seconds: 900 }],
    ['10/3', { seconds: 3 }],
    ['Mon, 15 Apr 2030 19:00:00 GMT', { date: Date.UTC(2030, 3, 15, 19) }],
    ['Mon, 15 APR 2001 19:00:00', { date: Date.UTC(2001, 3, 15, 19) }],
  ] as const) {
    t.same(expiry.parse([text], context), value, text)
    t.same(expiry.parse(text.split(' '), context), value, `${text}, unquoted`)
    t.same(expiry.parse([expiry.show(value)], context), value, `${text}, shown`)
  }
})

t.test('a wrong expiry says what was expected', async t => {
  for (const [text, message] of [
    ['soon', 'expected seconds, 15*60 or an HTTP date, got "soon"'],
    ['', 'expected seconds, 15*60 or an HTTP date, got ""'],
    ['15*', 'expected seconds, 15*60 or an HTTP date, got "15*"'],
    ['process.exit()', 'expected seconds, 15*60 or an HTTP date, got "process.exit()"'],
    ['0', 'expected from 1 to 3162240000 seconds, got "0"'],
    ['-900', 'expected from 1 to 3162240000 seconds, got "-900"'],
    ['99999999999', 'expected from 1 to 3162240000 seconds, got "99999999999"'],
    ['2030-12-31', 'expected seconds, 15*60 or an HTTP date (a day is for PSOSessionExpireOn), got "2030-12-31"'],
  ] as const)
    t.throws(() => expiry.parse([text], context), { message }, text)
})

t.test('a day lasts to its end in GMT', async t => {
  const date = Date.UTC(2030, 11, 31, 23, 59, 59, 999)
  for (const text of ['31-12-2030', '2030-12-31']) t.same(expiryDay.parse([text], context), { date }, text)
  t.equal(expiryDay.show({ date }), '2030-12-31')
  for (const text of ['31-13-2030', '31-02-2030', '12-31-2030', '31-12-30', '2030-13-01', 'tomorrow', ''])
    t.throws(
      () => expiryDay.parse([text], context),
      { message: `expected a day like 31-12-2030 or 2030-12-31, got ${JSON.stringify(text)}` },
      text,
    )
})
