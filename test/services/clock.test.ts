import t from 'tap'
import { counter, Jar, visit } from '../support/handlers.ts'
import { site } from '../support/site.ts'
import { storesWhere } from '../support/stores.ts'

const DAY_MS = 24 * 60 * 60 * 1000

for (const [name, kind] of storesWhere(() => true))
  t.test(`${name}: the clock goes one day forward and back`, async t => {
    const store = await kind.open(t, t.testdir())
    if (store === undefined) return
    let now = Date.UTC(2026, 10, 25)
    const directory = (lines: string) => ({ '.psoaccess': `${store.lines}\n${lines}`, 'handler.ts': counter })
    const app = await site(
      t,
      {
        hour: directory('PSOServiceId = hour\nPSOSessionExpire = 60*60'),
        idle: directory('PSOServiceId = idle\nPSOSessionIdle = 60*60'),
        year: directory('PSOServiceId = year\nPSOSessionExpire = 365*24*60*60'),
      },
      { now: () => now },
    )
    const visits = async (path: string, jar: Jar): Promise<number> => {
      const answer = await app.inject({ url: `/${path}/`, headers: jar.headers })
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode}`)
      jar.take(answer.headers)
      return visit(answer.body)
    }

    for (const path of ['hour', 'idle'])
      t.test(`what that has ended is not revived: ${path}`, async t => {
        const jar = new Jar()
        t.same([await visits(path, jar), await visits(path, jar)], [1, 2])
        const [cookie] = jar.names.map(name => `${name}=${jar.value(name)}`)
        const old = () => new Jar().take({ 'set-cookie': cookie })
        now += DAY_MS
        t.equal(await visits(path, old()), 1, 'over')
        now -= DAY_MS
        t.equal(await visits(path, old()), 1, 'and stays so')
      })

    t.test('what goes on, goes on', async t => {
      const jar = new Jar()
      t.equal(await visits('year', jar), 1)
      now += DAY_MS
      t.equal(await visits('year', jar), 2)
      now += 1000
      t.equal(await visits('year', jar), 3)
      now -= 1000
      t.equal(await visits('year', jar), 4, 'a clock that is a second back is no matter')
      now -= DAY_MS
    })

    t.test('a session from more than five minutes in the future is over, and stays so', async t => {
      for (const [ahead, number] of [
        [DAY_MS, 1],
        [6 * 60 * 1000, 1],
        [4 * 60 * 1000, 2],
      ] as const) {
        const jar = new Jar()
        now += ahead
        await visits('year', jar)
        const [cookie] = jar.names.map(name => `${name}=${jar.value(name)}`)
        const old = () => new Jar().take({ 'set-cookie': cookie })
        now -= ahead
        t.equal(await visits('year', old()), number, `${ahead / 1000} s ahead`)
        now += ahead
        t.equal(await visits('year', old()), number === 1 ? 1 : 3, 'and by the other clock')
        now -= ahead
      }
    })
  })
