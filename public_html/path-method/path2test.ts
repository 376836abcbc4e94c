import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CookieFileImpl, OK, pso, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

class MyFileImpl extends CookieFileImpl {
  override getPath(_req: Request, session: { serviceId: string }) {
    return join(tmpdir(), `pso-path2-${process.getuid?.()}-${session.serviceId}/`)
  }
}

export const fixup = (req: Request) => pso.fixup(req, MyFileImpl)

export function handler(req: Request) {
  const { session } = req.pso()
  session.visits = (session.visits ?? 0) + 1
  const path = new MyFileImpl().getPath(req, session)
  req.write(examplePage(req, { 'Your visits': session.visits, 'Kept in': path }))
  return OK
}
