import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { UsageError } from './commands/usage-error.ts'
import { exitWhenSaid, heedOutput } from './process/exit-when-said.ts'

const usage = `pso serve [--config FILE] [--root DIR] [--listen HOST:PORT] [--dev|--production] [--workers N]
pso check [--config FILE] [--root DIR]
pso explain URL [--config FILE] [--root DIR]
pso directives [NAME] [--config FILE] [--root DIR]
pso cgi [--dev|--production] FILE
pso sessions list [--service ID] [--label USER] [--older AGE] [--idle AGE] [--all] [--json]
pso sessions show KEY [--json]
pso sessions expire KEY... | --service ID | --label USER | --older AGE | --idle AGE | --all [--json]
pso sessions purge [--json]        each of the four: [--config FILE] [--root DIR] [--loader LOADER]`

const later = ['convert', 'init']

async function run(argv: readonly string[]): Promise<number> {
  const [name = '', ...rest] = argv
  if (name === '--version' || name === '-v') {
    console.log(createRequire(import.meta.url)('pso/package.json').version)
    return 0
  }
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    console.log(usage)
    return name === '' ? 2 : 0
  }
  switch (name) {
    case 'serve': {
      const { options } = read(rest, 0, ['config', 'root', 'listen', 'workers', 'dev', 'production'])
      requireOneMode(options)
      return (await import('./commands/serve.ts')).serve(options)
    }
    case 'check': {
      const { options } = read(rest, 0, ['config', 'root'])
      return (await import('./commands/check.ts')).checkFiles(options)
    }
    case 'explain': {
      const { options, words } = read(rest, 1, ['config', 'root'])
      if (words[0] === undefined) throw new UsageError('expected a URL: pso explain /shop/cart')
      return (await import('./commands/explain.ts')).explainUrl(words[0], options)
    }
    case 'directives': {
      const { options, words } = read(rest, 1, ['config', 'root'])
      return (await import('./commands/directives.ts')).describeDirectives(words[0], options)
    }
    case 'cgi': {
      // what follows FILE is a web server's, the words of a query (RFC 3875 4.4): a client chooses them
      const at = rest.findIndex(word => !word.startsWith('-'))
      const { options } = read(at === -1 ? rest : rest.slice(0, at), 0, ['dev', 'production'])
      requireOneMode(options)
      if (at === -1) throw new UsageError(`expected a FILE: pso cgi test.ts\n${usage}`)
      return (await import('./commands/cgi.ts')).runFile(rest[at]!, options)
    }
    case 'sessions': {
      const [action = '', ...others] = rest
      const { runSessions, sessionsActions } = await import('./commands/sessions.ts')
      const chosen = Object.hasOwn(sessionsActions, action) ? sessionsActions[action] : undefined
      if (chosen === undefined) throw await unknown(action || '(none)', Object.keys(sessionsActions), 'sessions ')
      const { options, words } = read(others, chosen.words, ['config', 'root', 'loader', ...chosen.options])
      return runSessions(chosen, words, options)
    }
  }
  if (later.includes(name)) throw new UsageError(`pso ${name} is not built yet`)
  throw await unknown(name, ['serve', 'check', 'explain', 'directives', 'cgi', 'sessions'])
}

function requireOneMode({ dev, production }: CommandOptions): void {
  if (dev === true && production === true)
    throw new UsageError(`expected one of --dev and --production, got both\n${usage}`)
}

/** With the likely intent of a word that is no command; `before` it may stand another. */
async function unknown(word: string, known: readonly string[], before = ''): Promise<UsageError> {
  const { nearestName } = await import('../directives/index.ts')
  const nearest = nearestName(word, known)
  return new UsageError(
    `unknown command ${before}${word}${nearest === undefined ? '' : ` (did you mean ${nearest}?)`}\n${usage}`,
  )
}

const kinds = {
  config: { type: 'string' },
  root: { type: 'string' },
  listen: { type: 'string' },
  workers: { type: 'string' },
  dev: { type: 'boolean' },
  production: { type: 'boolean' },
  loader: { type: 'string' },
  service: { type: 'string' },
  label: { type: 'string' },
  older: { type: 'string' },
  idle: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export type CommandOptions = {
  readonly [Name in keyof typeof kinds]?: (typeof kinds)[Name]['type'] extends 'string' ? string : boolean
}

/** The options that a command knows, and at most `most` words. */
function read(
  args: readonly string[],
  most: number,
  names: readonly (keyof typeof kinds)[],
): { options: CommandOptions; words: readonly string[] } {
  try {
    const options = Object.fromEntries(names.map(name => [name, kinds[name]]))
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    if (positionals.length > most) throw new Error(`did not expect ${JSON.stringify(positionals[most])}`)
    return { options: values as CommandOptions, words: positionals }
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${usage}`)
  }
}

const isServer = process.argv[2] === 'serve'
if (!isServer) heedOutput()
try {
  process.exitCode = await run(process.argv.slice(2))
  // the users' modules that a command has loaded may hold connections and timers
  if (!isServer) await exitWhenSaid()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = error.exitCode
}
