import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  const facts = { 'Visits of all visitors': session.visits, 'Session id': session.id }
  req.write(examplePage(req, facts))
  return OK
}
