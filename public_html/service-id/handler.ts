import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  const facts = { 'Your visits': session.visits, 'Service id': session.serviceId }
  req.write(examplePage(req, facts))
  return OK
}
