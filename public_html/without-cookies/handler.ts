import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

export function handler(req: Request) {
  const service = req.pso()
  const { session } = service
  session.visits = (session.visits ?? 0) + 1

  const link = service.serviceUrl()
  const facts = {
    'Your visits': session.visits,
    'Your browser brought the cookie': service.getCookie('Basket') === undefined ? 'no' : 'yes',
    'This page’s link': link.replace(/(Basket=.{4}).*/, '$1…'), // who has an id has the session
  }
  req.write(examplePage(req, facts, { 'Try reload': link }))
  return OK
}
