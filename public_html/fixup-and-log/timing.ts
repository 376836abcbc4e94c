import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

/** The last requests that this process has served, the latest first. */
const requests: string[] = []

export function fixup(req: Request) {
  req.notes.begun = performance.now()
  return OK
}

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  if (req.pso().getInput('do') === 'fail') return 503
  const before = requests.length === 0 ? undefined : requests.join('\n')
  const facts = { 'Your visits': session.visits, 'Logged before': before }
  req.write(examplePage(req, facts, { 'A request that fails': '?do=fail' }))
  return OK
}

export function log(req: Request) {
  const { begun } = req.notes // the log phase must not expect that fixup ran
  const time = begun === undefined ? '' : `${(performance.now() - begun).toFixed(1)} ms`
  requests.unshift(`${req.method} ${req.status} ${time}`)
  requests.length = Math.min(requests.length, 5)
  return OK
}
