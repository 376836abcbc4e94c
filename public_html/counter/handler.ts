import { OK, type Request } from 'pso'

export function handler (req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  req.write(`Hello World! ~ Your visit number: ${session.visits} ~ Try Reload!`)
  return OK
}
