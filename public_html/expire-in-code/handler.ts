import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

const twoDays = 60 * 60 * 48
const links = {
  'Right away': '?do=now',
  'In 15 minutes': '?do=seconds',
  'In two days': '?do=date',
  'On a day': '?do=day',
}

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  const { visits } = session

  const wanted = req.pso().getInput('do')
  if (wanted === 'now') session.expire()
  if (wanted === 'seconds') session.expire(15 * 60)
  if (wanted === 'date') session.expire({ date: Date.now() + twoDays * 1000 })
  if (wanted === 'day') session.expire('Sun, 31 Dec 2034 19:00:00', '%a, %d %b %Y %H:%M:%S')

  const ends = session.status === 'ended' ? 'right away' : session.getExpire()
  req.write(examplePage(req, { 'Your visits': visits, 'This session ends': ends }, links))
  return OK
}
