import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'

const links = {
  'Set a header': '?do=header',
  'Set a cookie': '?do=cookie',
  Redirect: '?do=redirect',
  'Send a status': '?do=status',
  'Write to the log': '?do=log',
}

export function handler(req: Request) {
  const service = req.pso()
  const wanted = service.getInput('do')

  if (wanted === 'header') service.setHeaderOut('X-Flavour', 'ginger')
  if (wanted === 'cookie') service.setCookie('flavour', 'ginger', { maxAge: 60 })
  if (wanted === 'redirect') service.redirect(service.serviceUrl('', { from: 'here' }))
  if (wanted === 'status') service.sendStatus(410)
  if (wanted === 'log') service.log('somebody would like ginger')

  const facts = {
    'Input “do”': wanted,
    'Input “from”': service.getInput('from'),
    'Cookie “flavour”': service.getCookie('flavour'),
    'Header “User-Agent”': service.getEnviron('HTTP_USER_AGENT'),
    'This service': service.serviceUrl(),
  }
  service.write(examplePage(req, facts, links))
  return OK
}
