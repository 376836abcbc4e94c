import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { readServerConfig } from '../../directives/index.ts'
import { makeServer, type Server } from '../../server/index.ts'

export type Tree = { readonly [name: string]: string | Tree }

export interface TestSite extends Server {
  /** The document root on disk. */
  readonly root: string
  readonly stateDirectory: string
  /** What the error log got so far. */
  errorLog(): string
  /** The address, listening from the first call on. */
  url(): Promise<string>
}

export interface SiteOptions {
  readonly development?: boolean
  readonly now?: () => number
  readonly workers?: number
  /** Lines of server.ini, besides Listen and ErrorLog. */
  readonly ini?: string
  /** What is in `programs`, beside the document root: for ScriptAlias. */
  readonly programs?: Tree
}

/**
 * A server over `tree`, production unless said otherwise, closed when the test ends. `inject` answers without a socket.
 * Each has a directory of its own, also within one test: modules are known by their path.
 */
export async function site(t: Test, tree: Tree, options: SiteOptions = {}): Promise<TestSite> {
  const top = mkdtempSync(join(tmpdir(), 'pso-test-'))
  const ini = join(top, 'conf', 'server.ini')
  const root = join(top, 'public_html')
  const stateDirectory = join(top, '.pso')
  plant(root, tree)
  if (options.programs !== undefined) plant(join(top, 'programs'), options.programs)
  plant(join(top, 'conf'), {
    'server.ini': `Listen = 127.0.0.1:0\nErrorLog = error.log\nLogLevel = debug\n${options.ini ?? ''}\n`,
  })
  const server = await makeServer({
    config: readServerConfig({ file: ini, environment: process.env, cwd: top }),
    development: options.development ?? false,
    watch: false,
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.workers === undefined ? {} : { workers: options.workers }),
  })
  t.teardown(async () => {
    await server.close()
    rmSync(top, { recursive: true, force: true })
  })
  let addresses: Promise<string[]> | undefined
  return {
    ...server,
    root,
    stateDirectory,
    errorLog: () =>
      existsSync(join(stateDirectory, 'error.log')) ? readFileSync(join(stateDirectory, 'error.log'), 'utf8') : '',
    async url() {
      addresses ??= server.listen()
      return (await addresses)[0]!.replace(/\/$/, '')
    },
  }
}

/** Writes a tree of files: text is a file, an object a directory. */
export function plant(directory: string, tree: Tree): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, content] of Object.entries(tree)) {
    if (typeof content === 'string') writeFileSync(join(directory, name), content)
    else plant(join(directory, name), content)
  }
}
