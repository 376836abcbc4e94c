import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  const counted = session.visits

  if (req.pso().getInput('do') === 'revert') session.revert()

  const facts = { 'Counted just now': counted, 'Visits in the session': session.visits }
  req.write(examplePage(req, facts, { 'Count, then revert': '?do=revert' }))
  return OK
}
