import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { readServerConfig } from '../../directives/index.ts'
import { createServer, type Server } from '../../server/index.ts'

type Tree = { readonly [name: string]: string | Tree }

export interface TestSite extends Server {
  /** The document root on disk. */
  readonly root: string
  readonly stateDirectory: string
  /** What the error log got so far. */
  errorLog(): string
  /** The address, once listening. */
  url(): Promise<string>
}

export interface SiteOptions {
  readonly development?: boolean
  readonly now?: () => number
  readonly workers?: number
  /** Lines of server.ini, besides DocumentRoot, StateDirectory and Listen. */
  readonly ini?: string
}

/** A server over `tree`, production unless said otherwise, closed when the test ends. `inject` answers without a socket. */
export async function site(t: Test, tree: Tree, options: SiteOptions = {}): Promise<TestSite> {
  const { readFileSync } = await import('node:fs')
  const top = t.testdir({ conf: { 'server.ini': '' }, public_html: tree as Parameters<Test['testdir']>[0] & object })
  const ini = join(top, 'conf', 'server.ini')
  const { writeFileSync } = await import('node:fs')
  writeFileSync(ini, `Listen = 127.0.0.1:0\nErrorLog = error.log\nLogLevel = debug\n${options.ini ?? ''}\n`)
  const stateDirectory = join(top, '.pso')
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 })
  const config = readServerConfig({ file: ini, environment: process.env, cwd: top })
  const server = await createServer({
    config,
    development: options.development ?? false,
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    watch: false,
  })
  let address: Promise<string[]> | undefined
  t.teardown(() => server.close())
  return {
    ...server,
    root: join(top, 'public_html'),
    stateDirectory,
    errorLog: () => readFileSync(join(stateDirectory, 'error.log'), 'utf8'),
    async url() {
      address ??= server.listen()
      return (await address)[0]!.replace(/\/$/, '')
    },
  }
}
