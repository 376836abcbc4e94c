import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { editorHints } from '../../directives/editor-hints.ts'
import { reference } from '../../directives/reference.ts'

const generated = join(import.meta.dirname, '..', '..', 'directives', 'generated')

t.test('the generated files are those of the table; `npm run docs` writes them', async t => {
  t.equal(readFileSync(join(generated, 'REFERENCE.md'), 'utf8'), reference())
  t.equal(readFileSync(join(generated, 'editor-hints.json'), 'utf8'), editorHints())
})
