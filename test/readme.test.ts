import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { markdownPage } from './support/markdown-page.ts'
import { project } from './support/project.ts'

const page = markdownPage('README.md')

t.test('every file that the drawings and the links name is there', async t => {
  const drawn = page.examples('').flatMap(text => text.match(/[\w/-]+\.ts\b/g) ?? [])
  const linked = [...page.text.matchAll(/\]\(([\w./-]+)\)|`((?:server|directives|session|test)\/[\w./-]+)`/g)]
  const files = new Set([...drawn, ...linked.map(([, link, code]) => (link ?? code)!)])
  t.ok(files.size > 15)
  for (const file of files)
    t.ok(
      ['', 'server'].some(room => existsSync(join(project, room, file))),
      file,
    )
})
