import t from 'tap'
import { editorHints } from '../../directives/editor-hints.ts'
import { describe, describeNamed, insteadOf, reference } from '../../directives/reference.ts'
import { directiveNames, rows } from '../../directives/table.ts'

t.test('the reference has every directive, once, with its syntax and its sentence', async t => {
  const page = reference()
  for (const name of directiveNames) {
    t.equal(page.split(`### ${name}\n`).length, 2, name)
    t.ok(page.includes(`\n${name} = ${rows[name].kind.syntax}\n`), `${name} has its syntax`)
    t.ok(page.includes(rows[name].doc), `${name} has its sentence`)
  }
})

t.test('one directive on the terminal', async t => {
  t.equal(
    describe('PSOSessionExpire'),
    `PSOSessionExpire = SECONDS | EXPRESSION | HTTP-DATE

  Ends a session so many seconds after its creation, or at a date; a date without a zone is GMT, and a wrong weekday is forgiven.

  Default            none: the cookie ends with the browser
  Where              server.ini, its sections, .psoaccess
  AllowOverride      Session
  Merging            replace
  Twice in one file  a warning, and the last stands
  Also written       PSOSessionExpires
`,
  )
  t.match(describe('PSOOption'), /Instead of +PythonOption\n/)
  t.match(describe('UnsetEnv'), /Counts as a line of +SetEnv\n/)
  t.match(describe('AllowOverride'), /Where +server\.ini and its \[Directory\] sections\n/)
  t.match(describe('DirectoryIndex'), /Merging +replace\n +Twice in one file +append\n/)
})

t.test('sections have their place in the reference, and on the terminal', async t => {
  t.ok(reference().includes('### FilesMatch\n'))
  t.equal(
    describeNamed('location'),
    `[Location /URL-PATH]

  Applies to the URLs at and below a path, after everything else; \`*\` and \`?\` match no slash.

  Where     server.ini
  Nests in  nothing
`,
  )
  t.equal(describeNamed('psosessionexpires'), describe('PSOSessionExpire'), 'an alias is its directive')
})

t.test('a name that is none: what to look at instead', async t => {
  t.equal(describeNamed('PythonHandler'), undefined)
  t.equal(insteadOf('pythonhandler'), 'use PSOHandler')
  t.equal(insteadOf('Order'), 'use Require')
  t.equal(insteadOf('PSOSesionExpire'), 'did you mean PSOSessionExpire?')
  t.equal(insteadOf('Nonsense'), undefined)
})

t.test('editor hints are JSON, one entry per directive', async t => {
  const { directives } = JSON.parse(editorHints())
  t.same(
    directives.map(({ name }: { name: string }) => name),
    directiveNames,
  )
  t.match(directives[0], {
    name: 'PSOServiceId',
    syntax: 'NAME',
    scope: 'directory',
    override: 'Session',
    merge: 'replace',
  })
})
