import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

export async function handler(req: Request) {
  const { session } = req.pso()
  session.saved = (session.saved ?? 0) + 1
  await session.save()

  session.atTheEnd = (session.atTheEnd ?? 0) + 1
  if (req.pso().getInput('do') === 'fail') throw new Error('on purpose')

  const facts = { 'Saved by save()': session.saved, 'Saved at the end': session.atTheEnd }
  req.write(examplePage(req, facts, { 'Save, then fail': '?do=fail' }))
  return OK
}
