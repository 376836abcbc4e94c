import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { decode, encode } from '../../session/encode.ts'

const again = (data: object): any => decode(encode(data as Record<string, unknown>))

t.test('values keep their types', async t => {
  for (const [name, value] of Object.entries({
    text: 'ä\ud800\0"$',
    numbers: [0, -0, 1.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    booleans: [true, false],
    nothing: [null, undefined],
    bigints: [0n, -(2n ** 200n)],
    dates: [new Date(0), new Date(-1e14), new Date(8.64e15), new Date(Number.NaN)],
    maps: new Map<unknown, unknown>([
      [1, 'number'],
      ['1', new Map([[undefined, null]])],
      [{ an: 'object' }, new Set()],
    ]),
    sets: new Set<unknown>([1, '1', null, undefined, new Set([1n])]),
    lists: [[], [[]], [{}]],
    objects: { nested: { deep: {} } },
    views: [
      new Uint8Array([1, 255]),
      new Int16Array([-1]),
      new Float16Array([1.5]),
      new Float64Array([-0, Number.NaN]),
      new BigUint64Array([2n ** 63n]),
      new Uint8ClampedArray(0),
      new Uint8Array([0, 1, 2, 3]).subarray(1, 3),
    ],
    buffer: new Uint8Array([1, 2]).buffer,
  }))
    t.ok(isDeepStrictEqual(again({ value }).value, value), name)
  // biome-ignore lint/suspicious/noSparseArray: that is what is tested
  const sparse = [1, , undefined]
  t.ok(isDeepStrictEqual(again({ sparse }).sparse, sparse))
})

t.test('names of all kinds are data like any other', async t => {
  const names = [
    '__proto__',
    'constructor',
    'toJSON',
    '$',
    '$$',
    '$ref',
    '$date',
    '$undefined',
    '$hole',
    '',
    '0',
    'length',
  ]
  for (const name of names)
    for (const value of [1, { $ref: [] }, { [name]: new Date(5) }, [{ $hole: true }]]) {
      const data = Object.create(null)
      Object.defineProperty(data, name, { value, enumerable: true })
      const back = again(data)
      t.same(Object.keys(back), [name])
      t.equal(Object.getPrototypeOf(back), null)
      t.ok(isDeepStrictEqual(back[name], value), name)
    }
  t.equal(Object.prototype.toString.call({}), '[object Object]')
})

t.test('cycles, and what is held twice', async t => {
  const cart: any = { items: [], owner: new Map(), all: new Set() }
  cart.items.push(cart, cart.items)
  cart.owner.set(cart, cart.owner)
  cart.all.add(cart.all).add(cart.items)
  const back = again({ cart, same: cart })
  t.equal(back.same, back.cart)
  t.equal(back.cart.items[0], back.cart)
  t.equal(back.cart.items[1], back.cart.items)
  t.equal(back.cart.owner.get(back.cart), back.cart.owner)
  t.ok(back.cart.all.has(back.cart.all) && back.cart.all.has(back.cart.items))
})

t.test('what comes back is written the same again', async t => {
  for (const data of [
    { b: 1, 1: 2 },
    { $a: new Date(0), b: [undefined, Number.NaN] },
    { m: new Map([[{}, { $: 1n }]]) },
  ]) {
    const text = encode(data)
    t.equal(encode(decode(text)), text)
  }
})

t.test('anything else is an error that names the key path', async t => {
  class Cart {}
  let deep: object = {}
  for (let level = 0; level < 1100; level++) deep = { deep }
  for (const [value, what] of [
    [() => 1, 'a function'],
    [Symbol('x'), 'a symbol'],
    [new Cart(), 'an object of class Cart'],
    [new (class Basket extends Map {})(), 'an object of class Basket'],
    [new (class List extends Array {})(), 'an object of class List'],
    [/x/, 'an object of class RegExp'],
    [new Error('x'), 'an object of class Error'],
    [Promise.resolve(), 'an object of class Promise'],
    [new WeakMap(), 'an object of class WeakMap'],
    [new DataView(new ArrayBuffer(1)), 'a DataView'],
    [new SharedArrayBuffer(1), 'an object of class SharedArrayBuffer'],
  ] as const)
    t.throws(() => encode({ shop: { cart: [1, { value }] } }), {
      code: 'bad-value',
      message: `session.shop.cart[1].value cannot be kept: expected text, numbers, dates, lists, maps or plain objects, got ${what}`,
    })
  t.throws(() => encode({ deep }), { code: 'bad-value', message: /nested more than 1,000 deep/ })
})

t.test('text that encode cannot have written is an error, never a crash', async t => {
  for (const text of [
    '',
    'null',
    '[]',
    '1',
    '{',
    '{"a":{"$what":1}}',
    '{"a":{"$bytes":["Evil","AA=="]}}',
    '{"a":{"$map":5}}',
  ])
    t.throws(() => decode(text), text)
})
