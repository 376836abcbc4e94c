import t from 'tap'
import { directive } from '../../directives/directive.ts'
import type { Kind } from '../../directives/kind.ts'
import type { Block, Setting, Table } from '../../directives/layer.ts'
import { inEffect, noSettings, type Settings, withBlock } from '../../directives/merge.ts'
import { append, byKey, replace } from '../../directives/merge-rules.ts'

const kind: Kind<unknown> = { syntax: '', parse: words => words, show: String }
const row = { kind, scope: 'directory', override: 'any', repeat: 'adds', doc: '' } as const
const table: Table = {
  Nearest: directive<unknown>({ ...row, default: 'd', merge: replace }),
  Keyed: directive<unknown>({ ...row, default: new Map([['d', 0]]), merge: byKey }),
  Listed: directive<unknown>({ ...row, default: ['d'], merge: append }),
}

const at = { file: '/f', line: 1 }
const line = { at, value: 'v', reset: false }
const block = (settings: Record<string, Partial<Setting>>, rest: Partial<Block> = {}): Block => ({
  sections: [],
  environment: [],
  unknown: [],
  settings: new Map(
    Object.entries(settings).map(([name, setting]) => [name, { reset: false, origins: [line], ...setting }]),
  ),
  ...rest,
})
const merge = (...blocks: Block[]): Settings =>
  blocks.reduce((sum, one, index) => withBlock(sum, one, `/${index}`, table), noSettings)
const values = (...blocks: Block[]) =>
  inEffect(merge(...blocks), table).directives as unknown as Record<string, unknown>

t.test('what no line sets is the default, without an origin', async t => {
  const { directives, origins } = inEffect(noSettings, table)
  t.same(directives, { Nearest: 'd', Keyed: new Map([['d', 0]]), Listed: ['d'] })
  t.equal(origins.size, 0)
  t.ok(Object.isFrozen(directives))
})

t.test('each row merges by its rule, beginning with its default', async t => {
  const parent = block({
    Nearest: { value: 1 },
    Keyed: {
      value: new Map([
        ['a', 1],
        ['b', 1],
      ]),
    },
    Listed: { value: [1] },
  })
  const child = block({ Nearest: { value: 2 }, Keyed: { value: new Map([['a', 2]]) }, Listed: { value: [2] } })
  t.same(values(parent, child), {
    Nearest: 2,
    Keyed: new Map([
      ['d', 0],
      ['a', 2],
      ['b', 1],
    ]),
    Listed: ['d', 1, 2],
  })
})

t.test('a reset takes it back to the default, and what follows is merged with that', async t => {
  const parent = block({ Nearest: { value: 1 }, Listed: { value: [1] } })
  t.same(values(parent, block({ Nearest: { reset: true }, Listed: { reset: true } })), { ...values(), Nearest: 'd' })
  t.same(values(parent, block({ Listed: { reset: true, value: [2] } })).Listed, ['d', 2])
})

t.test('every line that had a say is an origin, the last one in effect, with the directory it speaks for', async t => {
  const { origins } = inEffect(
    merge(
      block({ Nearest: { value: 1 } }),
      block({ Nearest: { reset: true, origins: [{ ...line, reset: true, value: '' }] } }),
    ),
    table,
  )
  t.same(origins.get('Nearest' as never), [
    { ...line, directory: '/0' },
    { ...line, value: '', reset: true, directory: '/1' },
  ])
})

t.test('children do not change what their parents have', async t => {
  const parent = merge(block({ Listed: { value: [1] } }))
  withBlock(parent, block({ Listed: { value: [2] }, Nearest: { value: 3 } }), '/x', table)
  t.same(inEffect(parent, table).directives, { ...values(), Listed: ['d', 1] })
})

t.test('a block without lines changes nothing', async t => {
  const parent = merge(block({ Listed: { value: [1] } }))
  t.equal(withBlock(parent, block({}), '/x', table), parent)
})

t.test('SetEnv of a directive counts where no line sets the directive', async t => {
  const env = (name: string | undefined, value?: unknown): Block =>
    block(
      { Keyed: { value: new Map() } },
      {
        environment: [
          { ...(name === undefined ? {} : { name }), value, origin: { ...line, reset: value === undefined } },
        ],
      },
    )
  t.equal(values(env('Nearest', 5)).Nearest, 5)
  t.equal(values(env('Nearest', 5), env('Nearest', 6)).Nearest, 6)
  t.equal(values(env('Nearest', 5), block({ Nearest: { value: 1 } })).Nearest, 1)
  t.equal(values(block({ Nearest: { value: 1 } }), env('Nearest', 5)).Nearest, 1)
  t.equal(values(env('Nearest', 5), env('Nearest')).Nearest, 'd', 'UnsetEnv takes it away')
  t.equal(values(env('Nearest', 5), env(undefined)).Nearest, 'd', 'SetEnv = takes all away')
  t.equal(inEffect(merge(env('Nearest', 5)), table).origins.get('Nearest' as never)?.length, 1)
})
