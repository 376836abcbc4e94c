import t from 'tap'
import { merge } from '../../session/merge.ts'

t.test('three ways, key by key', async t => {
  for (const [title, base, mine, theirs, merged] of [
    ['what both added', {}, { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
    ['what one changed', { a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 3 }, { a: 2, b: 3 }],
    ['one key changed by both: mine is the later', { a: 1 }, { a: 2 }, { a: 3 }, { a: 2 }],
    ['deleted here, left there', { a: 1, b: 1 }, { b: 1 }, { a: 1, b: 2 }, { b: 2 }],
    ['left here, deleted there', { a: 1, b: 1 }, { a: 1, b: 2 }, { b: 1 }, { b: 2 }],
    ['deleted here, changed there', { a: 1 }, {}, { a: 2 }, {}],
    ['undefined is a value', { a: 1 }, { a: undefined }, { a: 1, b: 1 }, { a: undefined, b: 1 }],
    ['compared as it is stored', { a: new Date(1) }, { a: new Date(1) }, { a: new Date(2) }, { a: new Date(2) }],
    ['a change within a value', { a: [1] }, { a: [1, 2] }, { a: [1], b: 1 }, { a: [1, 2], b: 1 }],
  ] as const)
    t.strictSame({ ...merge(base, mine, theirs) }, merged, title)
})

t.test('names of all kinds are data like any other', async t => {
  const own = (key: string, value: unknown): Record<string, unknown> =>
    Object.defineProperty(Object.create(null), key, { value, enumerable: true })
  const merged = merge({}, own('__proto__', 1), own('constructor', 2))
  t.same(Object.entries(merged), [
    ['constructor', 2],
    ['__proto__', 1],
  ])
})
