import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { check, createConfigStore, explain, formatProblem, readServerConfig } from '../../directives/index.ts'

/**
 * A fixture is one line that says what it shows, files after `--- PATH` (`--- environment` is no file), a line of dashes, and
 * commands with what they print: `$ check`, or `$ explain URL-PATH`. Paths are relative to the directory of the site.
 */
const fixtures = join(import.meta.dirname, 'fixtures')

for (const name of readdirSync(fixtures).sort())
  t.test(name, async t => {
    const [input = '', expected = ''] = readFileSync(join(fixtures, name), 'utf8').split(/^-{10,}\n/m)
    const site = realpathSync(t.testdir({ public_html: {} }))
    const environment: Record<string, string> = {}
    const [doc, ...files] = input.split(/^--- /m)
    t.match(doc, /^# \S.*\.\n$/, 'says what it shows')
    for (const text of files) {
      const [path, content] = [text.slice(0, text.indexOf('\n')), text.slice(text.indexOf('\n') + 1)]
      if (path === 'environment')
        Object.assign(
          environment,
          Object.fromEntries(
            content
              .trim()
              .split('\n')
              .map(line => line.split('=')),
          ),
        )
      else {
        mkdirSync(dirname(join(site, path)), { recursive: true })
        writeFileSync(join(site, path), content)
      }
    }
    const hasServerFile = files.some(text => text.startsWith('conf/server.ini\n'))
    const options = { cwd: site, environment, ...(hasServerFile ? { file: 'conf/server.ini' } : {}) }
    const commands = expected.split(/^\$ /m).slice(1)
    t.ok(commands.length > 0, 'has a command')
    let printed = ''
    for (const command of commands) {
      const [verb, path = ''] = command.slice(0, command.indexOf('\n')).split(' ')
      const lines = verb === 'check' ? check(options).map(formatProblem) : explainAt(options, path)
      printed += `$ ${command.slice(0, command.indexOf('\n'))}\n${lines.map(line => `${line}\n`).join('')}`
    }
    printed = printed.replaceAll(`${site}/`, '').replaceAll(site, '.')
    if (process.env.WRITE_FIXTURES === '1') writeFileSync(join(fixtures, name), `${input}----------\n${printed}`)
    else t.equal(printed, expected)
  })

function explainAt(options: Parameters<typeof readServerConfig>[0], path: string): string[] {
  const server = readServerConfig(options)
  const file = join(server.documentRoot, path)
  const directory = path.endsWith('/') ? file.replace(/\/$/, '') : dirname(file)
  const name = path.endsWith('/') ? undefined : basename(file)
  return explain(createConfigStore(server, { now: () => 0, recheckMs: 0 }).configOf({ directory, name, path }))
}
