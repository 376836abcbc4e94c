import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Client } from './client.ts'
import { does } from './handlers.ts'
import { childrenOf } from './processes.ts'
import { startPso } from './pso-process.ts'
import { plant, type Tree } from './site.ts'

/** A site that `pso serve --production` serves, as processes of their own. */
export interface ServedSite {
  readonly directory: string
  readonly url: string
  /** The process that was started: all others are its children. */
  readonly pid: number
  /** The processes that serve now. */
  workers(): number[]
  errorLog(): string
  /** All of it, at once, as the system does when it needs the memory. */
  kill(): Promise<void>
  /** Its exit code, or the signal that ended it; undefined while it runs. */
  ended(): number | string | undefined
}

export interface ServedOptions {
  readonly workers?: number
  /** True: in development, where one process is all there is. */
  readonly alone?: boolean
  /** Lines of server.ini, besides Listen and ErrorLog. */
  readonly ini?: string
  /** The command, with its arguments, that is to run pso. */
  readonly under?: readonly string[]
}

/** Serves `tree` from `directory`, which is made if it is missing; resolves when all workers answer. Gone when the test ends. */
export async function serveSite(
  t: Test,
  directory: string,
  tree: Tree,
  { workers = 1, alone = false, ini = '', under = [] }: ServedOptions = {},
): Promise<ServedSite> {
  plant(directory, {
    conf: { 'server.ini': `Listen = 127.0.0.1:0\nErrorLog = error.log\nAccessLog = none\n${ini}\n` },
    public_html: {
      'plain.txt': 'a static file',
      pid: { '.psoaccess': '', 'handler.ts': does('req.write(`${process.pid}`)') },
      ...tree,
    },
  })
  const config = join(directory, 'conf/server.ini')
  const pso = startPso(t, ['serve', alone ? '--dev' : '--production', '--config', config, '--workers', `${workers}`], {
    under,
  })
  let how: number | string | undefined
  const ended = pso.ended.then(end => (how = end))
  const url = await pso.url
  await untilAllAnswer(url, workers)
  const pid = pso.child.pid!
  return {
    directory,
    url,
    pid,
    workers: () => childrenOf(pid),
    errorLog() {
      const file = join(directory, '.pso/error.log')
      return (existsSync(file) ? readFileSync(file, 'utf8') : '') + pso.errors()
    },
    async kill() {
      // the primary is stopped first: it would start another worker
      process.kill(pid, 'SIGSTOP')
      for (const worker of childrenOf(pid)) process.kill(worker, 'SIGKILL')
      process.kill(pid, 'SIGKILL')
      await ended
    },
    ended: () => how,
  }
}

/** A connection stays with the worker that took it: all of them are to be there before the first that counts. */
async function untilAllAnswer(url: string, workers: number): Promise<void> {
  const ready = new Set<string>()
  while (ready.size < workers) {
    const client = new Client(1)
    ready.add((await client.get(`${url}/pid/`)).body)
    client.close()
  }
}
