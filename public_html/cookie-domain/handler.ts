import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'
import { sentCookie } from '../page/sent-cookie.ts'

export async function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  await req.flush() // the head leaves now, and the cookie with it

  const at = (hostname: string) => Object.assign(req.pso().getUrl(), { hostname }).href
  const links = {
    'As www.pso.localhost': at('www.pso.localhost'),
    'As shop.pso.localhost': at('shop.pso.localhost'),
  }
  const facts = { 'Your visits': session.visits, 'Set-Cookie': sentCookie(req) }
  req.write(examplePage(req, facts, links))
  return OK
}
