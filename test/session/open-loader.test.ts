import t from 'tap'
import { closeLoaders, onReport, openLoader, openOwnLoader, purgeLoaders } from '../../session/index.ts'
import { report } from '../../session/report.ts'

t.test('a loader lives until the last who uses it lets go', async t => {
  const [one, other] = [{}, {}]
  const spec = { type: 'file', directory: t.testdir() } as const
  const loader = openLoader(spec, one)
  t.equal(openLoader(spec, other), loader)
  await closeLoaders(one)
  t.equal(openLoader(spec, other), loader)
  await closeLoaders(other)
  t.not(openLoader(spec, other), loader)
  await closeLoaders(other)
})

t.test(
  'a loader of a class of its own lives until the last who uses it lets go, and is another one afterwards',
  async t => {
    let closed = 0
    class Own {
      load(): undefined {}
      save(): void {}
      close(): void {
        closed++
      }
    }
    const [one, other] = [{}, {}]
    const place = { namedBy: 'PSOSessionLoader', lockDirectory: t.testdir(), directives: {} }
    const loader = openOwnLoader(Own, { ...place, user: one })
    t.equal(openOwnLoader(Own, { ...place, user: other }), loader)
    await loader.load('x', { serviceId: 's' })
    await closeLoaders(one)
    t.equal(closed, 0)
    await closeLoaders(other)
    t.equal(closed, 1)
    const next = openOwnLoader(Own, { ...place, user: other })
    await next.load('x', { serviceId: 's' })
    await next.load('x', { serviceId: 's' })
    t.equal(closed, 1)
    await closeLoaders(other)
    t.equal(closed, 2)
  },
)

t.test('a class of one user is not taken for an edit of the class of another', async t => {
  let closed = 0
  const make = () =>
    class Same {
      load(): undefined {}
      save(): void {}
      close(): void {
        closed++
      }
    }
  const [one, other] = [{}, {}]
  const place = { namedBy: 'PSOSessionLoader', lockDirectory: t.testdir(), directives: {} }
  await openOwnLoader(make(), { ...place, user: one }).load('x', { serviceId: 's' })
  openOwnLoader(make(), { ...place, user: other })
  t.equal(closed, 0)
  openOwnLoader(make(), { ...place, user: one })
  t.equal(closed, 1)
  await Promise.all([closeLoaders(one), closeLoaders(other)])
})

t.test('who purges while another does gets the same', async t => {
  t.equal(purgeLoaders(0), purgeLoaders(0))
  const first = purgeLoaders(0)
  await first
  t.not(purgeLoaders(0), first)
})

t.test('all who listen are told, until they stop', async t => {
  const heard: string[] = []
  const stop = onReport(message => heard.push(`one ${message}`))
  t.teardown(onReport(message => heard.push(`other ${message}`)))
  report('a')
  stop()
  report('b')
  t.same(heard, ['one a', 'other a', 'other b'])
})
