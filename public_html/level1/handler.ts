import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

const levels = {
  'Level 1': '/level1/',
  'Level 2': '/level1/level2/',
  'Level 3': '/level1/level2/level3/',
  'Without a file': '/level1/level2/plain/',
}

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  const { colour, shape } = req.options
  const facts = { 'You are at': req.uri, colour, shape, 'Your visits': session.visits }
  req.write(examplePage(req, facts, levels))
  return OK
}
