import t, { type Test } from 'tap'
import { counter, does, Jar, visit } from '../support/handlers.ts'
import { site, type TestSite } from '../support/site.ts'

const START = Date.parse('2026-11-24T12:00:00Z')

/** The counter under one line of `.psoaccess`, at a time that the test sets. */
const counting = async (t: Test, line: string): Promise<{ app: TestSite; at(now: number): void }> => {
  let now = START
  const tree = { '.psoaccess': `PSOServiceId = s\n${line}`, 'handler.ts': counter }
  const app = await site(t, tree, { development: true, now: () => now })
  return { app, at: time => (now = time) }
}

/** Until when, ms since the epoch, a Set-Cookie lets its cookie live: Max-Age goes before expires (RFC 6265 5.3). */
function endOf(cookie: string, now = START): number | undefined {
  const maxAge = /; *max-age=(\d+)/i.exec(cookie)?.[1]
  if (maxAge !== undefined) return now + Number(maxAge) * 1000
  const expires = /; *expires=([^;]+)/i.exec(cookie)?.[1]
  return expires === undefined ? undefined : Date.parse(expires)
}

const livesFor = (t: Test, cookie: unknown, seconds: number, message?: string): void => {
  const given = (endOf(String(cookie))! - START) / 1000
  t.ok(Math.abs(given - seconds) <= 2, `${message ?? ''} ${given} s: ${cookie}`)
}

t.test('6: PSOSessionExpire takes seconds, and a comment behind them is none of the value', async t => {
  const { app } = await counting(t, 'PSOSessionExpire = 900 # 15 minutes')
  const answer = await app.inject('/')
  t.equal(answer.statusCode, 200)
  livesFor(t, answer.headers['set-cookie'], 900)
})

t.test('7: an expression of seconds; what is no number is an error at its line, and is not evaluated', async t => {
  const { app } = await counting(t, 'PSOSessionExpire = "15*60" # 15 minutes')
  livesFor(t, (await app.inject('/')).headers['set-cookie'], 900)

  for (const code of ['process.exit()', '(globalThis.evaluated=1)*900']) {
    const bad = await site(
      t,
      {
        bad: { '.psoaccess': `PSOServiceId = s\nPSOSessionExpire = ${code}`, 'handler.ts': counter },
        good: { '.psoaccess': '', 'handler.ts': counter },
      },
      { development: true },
    )
    const refused = await bad.inject('/bad/')
    t.equal(refused.statusCode, 500)
    t.match(refused.body, /bad\/\.psoaccess:2: PSOSessionExpire: expected/)
    t.match(bad.errorLog(), /bad\/\.psoaccess:2: PSOSessionExpire: expected/)
    t.equal((globalThis as { evaluated?: number }).evaluated, undefined)
    t.equal(visit((await bad.inject('/good/')).body), 1, 'the server lives')
  }
})

t.test('8: an HTTP date in each of its three forms; one in the past makes every request a new session', async t => {
  for (const date of ['Mon, 15 Apr 2030 19:00:00 GMT', 'Monday, 15-Apr-30 19:00:00 GMT', 'Mon Apr 15 19:00:00 2030']) {
    const { app, at } = await counting(t, `PSOSessionExpire = "${date}"`)
    const answer = await app.inject('/')
    t.equal(endOf(String(answer.headers['set-cookie'])), Date.parse('2030-04-15T19:00:00Z'), date)
    const { headers } = new Jar().take(answer.headers)
    at(Date.parse('2030-04-15T18:59:59Z'))
    t.equal(visit((await app.inject({ url: '/', headers })).body), 2, date)
    at(Date.parse('2030-04-15T19:00:01Z'))
    t.equal(visit((await app.inject({ url: '/', headers })).body), 1, date)
  }

  const { app } = await counting(t, 'PSOSessionExpire = "Mon, 15 Apr 2002 19:00:00 GMT"')
  let cookie = ''
  const ids = new Set<string>()
  for (let request = 1; request <= 3; request++) {
    const answer = await app.inject({ url: '/', headers: { cookie } })
    t.equal(visit(answer.body), 1)
    const sent = String(answer.headers['set-cookie'])
    t.ok(endOf(sent)! <= START, `a browser drops the cookie: ${sent}`)
    // a client that ignores expiry brings it all the same
    cookie = sent.replace(/;.*/, '')
    ids.add(cookie)
  }
  t.equal(ids.size, 3, 'each has an id of its own')
})

t.test('9: the server ends a session whose cookie a client brings too late', async t => {
  const { app, at } = await counting(t, 'PSOSessionExpire = 1')
  const jar = new Jar().take((await app.inject('/')).headers)
  at(START + 2000)
  const late = await app.inject({ url: '/', headers: jar.headers })
  t.equal(visit(late.body), 1)
  const id = new Jar().take(late.headers).value('s')
  t.ok(id)
  t.not(id, jar.value('s'))
})

t.test('10: PSOSessionExpireOn takes a day; one that is none is an error at its line', async t => {
  const { app, at } = await counting(t, 'PSOSessionExpireOn = 31-12-2030')
  const answer = await app.inject('/')
  t.match(answer.headers['set-cookie'], /expires=Tue, 31 Dec 2030 /i)
  // DESIGN 7: to the end of that day
  const { headers } = new Jar().take(answer.headers)
  at(Date.parse('2030-12-31T23:59:00Z'))
  t.equal(visit((await app.inject({ url: '/', headers })).body), 2)
  at(Date.parse('2031-01-01T00:00:01Z'))
  t.equal(visit((await app.inject({ url: '/', headers })).body), 1)

  const wrong = (await counting(t, 'PSOSessionExpireOn = 31-13-2030')).app
  const refused = await wrong.inject('/')
  t.equal(refused.statusCode, 500)
  t.match(refused.body, /\.psoaccess:2: PSOSessionExpireOn: expected/)
  t.match(wrong.errorLog(), /\.psoaccess:2: PSOSessionExpireOn: expected.*31-13-2030/)
})

t.test('11: without a directive of expiry the cookie ends with the browser', async t => {
  const { app } = await counting(t, '')
  const cookie = String((await app.inject('/')).headers['set-cookie'])
  t.match(cookie, /^s=/)
  t.notMatch(cookie, /expires|max-age/i)
})

/** Counts, and ends as the query says. */
const expires = does(`
  const { session } = req.pso()
  session.n = (session.n ?? 0) + 1
  if (req.args === 'now') session.expire()
  if (req.args === 'seconds') session.expire(900)
  if (req.args === 'format') session.expire('Mon, 15 APR 2030 19:00:00', '%a, %d %b %Y %H:%M:%S')
  return String(session.n)`)

t.test('12: expire() deletes the cookie in that response, and the id is no longer known', async t => {
  const app = await site(t, { '.psoaccess': 'PSOServiceId = s', 'handler.ts': expires }, { development: true })
  const jar = new Jar().take((await app.inject('/')).headers)
  const { headers } = jar
  const id = jar.value('s')
  t.equal((await app.inject({ url: '/', headers })).body, '2')
  const ended = await app.inject({ url: '/?now', headers })
  const cookies = [ended.headers['set-cookie'] ?? []].flat()
  t.equal(cookies.length, 1)
  t.match(cookies[0], /^s=/)
  t.same(jar.take(ended.headers).names, [], 'the cookie is deleted')
  const replayed = await app.inject({ url: '/', headers })
  t.equal(replayed.body, '1')
  t.not(new Jar().take(replayed.headers).value('s'), id)
})

t.test('13: expire(900) and expire(text, format) are one cookie each, with that end', async t => {
  let now = START
  const tree = { '.psoaccess': 'PSOServiceId = s', 'handler.ts': expires }
  const app = await site(t, tree, { development: true, now: () => now })
  for (const [query, end] of [
    ['seconds', START + 900_000],
    ['format', Date.parse('2030-04-15T19:00:00Z')],
  ] as const)
    for (const visits of [1, 2]) {
      now = START
      const jar = new Jar()
      if (visits === 2) jar.take((await app.inject('/')).headers)
      const answer = await app.inject({ url: `/?${query}`, headers: jar.headers })
      t.equal(answer.body, String(visits))
      const cookies = [answer.headers['set-cookie'] ?? []].flat()
      t.equal(cookies.length, 1)
      t.match(cookies[0], /^s=/)
      t.equal(endOf(cookies[0]!), end, query)
      const { headers } = jar.take(answer.headers)
      now = end - 1000
      t.equal((await app.inject({ url: '/', headers })).body, String(visits + 1), `${query}: just before`)
      now = end + 1000
      t.equal((await app.inject({ url: '/', headers })).body, '1', `${query}: just after`)
    }
})
