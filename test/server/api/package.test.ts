import t from 'tap'
import { compileOutside } from '../../support/compile-outside.ts'

t.test('a handler outside of the project has its types', async t => {
  const told = compileOutside(t, {
    'handler.ts': `import { CookieFileImpl, HTTP_NOT_FOUND, OK, type Request, ServerReturn, ServiceHandler, type ServiceRequest, type Session, pso } from 'pso'
declare module 'pso' { interface SessionData { visits?: number } }
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
export const visitsAreTyped: Same<Session['visits'], number | undefined> = true
export const otherKeysAreAny: Same<Session['other'], any> = true
export const methodsStay: Same<Session['status'], 'new' | 'open' | 'ended'> = true
class MyImpl extends CookieFileImpl { PATH = '/tmp/path0/' }
export const fixup = (req: Request) => pso.fixup(req, MyImpl)
export function handler (req: Request) {
  const service: ServiceRequest = req.pso()
  const session: Session = service.session
  session.visits = (session.visits ?? 0) + 1
  session.cart.items.push('any')
  // @ts-expect-error: SessionData says that it is a number
  session.visits = 'x'
  const text: string | undefined = service.getInput('a')
  const number: string | number = service.getInput('a', 1)
  if (text === undefined || number === 1) throw new ServerReturn(HTTP_NOT_FOUND)
  // @ts-expect-error: there is no such member
  req.nope
  const before: Request | undefined = req.prev
  const sent: number = req.sendfile('a.txt', 1, 2)
  req.addHandler('Log', later => later.logError(before?.uri ?? sent))
  req.addHandler('Fixup', 'auth.ts::check')
  // @ts-expect-error: there is no such phase
  req.addHandler('Logs', () => {})
  if (req.fetch.method === 'PUT') return new Response(null, { status: 204 })
  req.write(\`\${session.visits}\`)
  return OK
}
if (import.meta.main) await new ServiceHandler(handler, MyImpl).run()
`,
  })
  t.equal(told, '')
})
