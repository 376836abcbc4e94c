import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { OK, type Request } from 'pso'
import { examplePage } from '../page/example-page.ts'
import { html } from '../page/html.ts'

const form = html`<form method="post" enctype="multipart/form-data">
<label for="files">Some files, 1 MiB in all</label>
<input id="files" type="file" name="files" multiple required>
<button>Send them</button>
</form>`

export async function handler(req: Request) {
  const facts: Record<string, unknown> = {}
  for (const file of req.pso().getFiles('files')) {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(file.path)) hash.update(chunk)
    facts[file.filename] = `${file.type}, ${file.size} bytes, SHA-256 ${hash.digest('hex')}`
  }
  req.write(examplePage(req, facts, {}, form))
  return OK
}
