import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  const path = req.pso().getEnviron('PSOSessionFileLoader_Path')
  req.write(examplePage(req, { 'Your visits': session.visits, 'Kept in': path }))
  return OK
}
