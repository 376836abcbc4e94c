import t from 'tap'
import { does } from '../../support/handlers.ts'
import { serveSite } from '../../support/served-site.ts'

// a loop takes six seconds of computing: one is tried here, the others in test/services

const counts = 'const { session } = req.pso(); session.n = (session.n ?? 0) + 1; '
const shared = 'PSOServiceId = s\ns = shared'

t.test('a loop that does not end, in development: 503 with its line, its session free, and others go on', async t => {
  const site = await serveSite(
    t,
    t.testdir({}),
    {
      counter: { '.psoaccess': shared, 'handler.ts': does(`${counts} return String(session.n)`) },
      loop: {
        '.psoaccess': shared,
        'handler.ts': does(`${counts}\ntry {\nfor (;;) try { null!.x } catch {}\n} finally { req.write('x') }`),
      },
      slow: {
        '.psoaccess': '',
        'handler.ts': does(
          'if (req.args === undefined) await new Promise(resolve => setTimeout(resolve, 1000)); return "slow"',
        ),
      },
    },
    { alone: true },
  )
  const get = async (path: string): Promise<string> => {
    const answer = await fetch(`${site.url}${path}`)
    return `${answer.status} ${await answer.text()}`
  }
  t.equal(await get('/counter/'), '200 1')
  t.equal(await get('/slow/?at-once'), '200 slow', 'its module is loaded')
  const slow = get('/slow/')
  const looped = await get('/loop/')
  t.match(looped, /^503 .*a loop without an end\? 6 s of computing without a pause.*loop\/handler\.ts:6/s)
  t.match(looped, /&#62; 6 \| for \(;;\)/, 'in development the page shows the line')
  t.equal(await slow, '200 slow')
  t.equal(await get('/counter/'), '200 2', 'the session is as it was')
  t.equal(await get('/plain.txt'), '200 a static file')
  t.match(site.errorLog(), /\[error\].*GET \/loop\/ 503: HandlerTimeout: .*\/loop\/handler\.ts:6/)
  t.equal(site.ended(), undefined)
})
