import t from 'tap'
import { Request } from '../../../server/api/request.ts'
import { ServiceRequest } from '../../../server/api/service-request.ts'
import { compileOutside } from '../../support/compile-outside.ts'
import { markdownPage } from '../../support/markdown-page.ts'
import { site } from '../../support/site.ts'

const page = markdownPage('server/api/HANDLERS.md')
const examples = page.examples('ts')

t.test('every promise names the tests that hold it, and they are there', async t => page.checkPromises(t))

/** What the server itself calls. */
const internal = ['constructor', 'forgetService', 'hasHandler', 'requireHead', 'openSession']

t.test('the page names every member there is, and none besides', async t => {
  const named = page
    .rowsOf('| Member | |')
    .map(([members = '']) =>
      [...members.matchAll(/`([^`]+)`/g)].map(([, member]) => member!.replace(/^for await.*/, '').replace(/\(.*/, '')),
    )
  const all = new Set(named.flat().filter(name => name !== ''))
  const members = [Request, ServiceRequest].flatMap(one => Object.getOwnPropertyNames(one.prototype))
  t.same([...all].sort(), [...new Set(members)].filter(name => !internal.includes(name)).sort())
})

t.test('the handlers compile', async t => {
  t.ok(examples.length > 5)
  const tree = Object.fromEntries(examples.map((text, number) => [String(number), { 'handler.ts': text }]))
  t.equal(compileOutside(t, tree), '')
})

t.test('the handlers run', async t => {
  const tree = Object.fromEntries(
    examples.map((text, number) => [
      `s${number}`,
      { 'handler.ts': text, '.psoaccess': text.includes('for await') ? 'PSOInput = off' : '' },
    ]),
  )
  const app = await site(t, tree)
  for (const number of examples.keys()) {
    const answer = await app.inject(`/s${number}/`)
    t.equal(answer.statusCode, 200, `${number}: ${answer.body}${app.errorLog()}`)
    t.ok(answer.body.length > 0, String(number))
  }
})
