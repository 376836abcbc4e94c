import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'
import { html } from '../page/html.ts'

const form = html`<form method="post">
<label for="wish">A wish</label>
<input id="wish" name="wish" maxlength="80" required>
<button>Keep it</button>
</form>`

export function handler(req: Request) {
  const service = req.pso()
  const { session } = service

  if (req.method === 'POST') {
    const wish = service.getInput('wish', '').trim().slice(0, 80)
    if (wish !== '') session.wishes = [...(session.wishes ?? []), wish].slice(-5)
    service.redirect(service.serviceUrl()) // a reload sends nothing twice
  }

  req.write(examplePage(req, { 'Your last wishes': session.wishes?.join('\n') }, {}, form))
  return OK
}
