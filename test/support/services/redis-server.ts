import type { Test } from 'tap'
import { type PrivateServer, privateServer } from './private-server.ts'

/** A Redis with a password. What it confirmed survives `stop`: each command is in its log before its answer leaves. */
export const redisServer = (t: Test): Promise<PrivateServer | undefined> =>
  privateServer(t, {
    package: 'redis-server',
    prepare() {},
    command: (program, { directory, port, password }) => [
      program,
      ...['--port', `${port}`, '--bind', '127.0.0.1', '--requirepass', password],
      ...['--dir', directory, '--save', '', '--appendonly', 'yes', '--appendfsync', 'no'],
    ],
    ready: /Ready to accept connections/,
    stopSignal: 'SIGTERM',
    url: ({ port, password }) => `redis://:${password}@127.0.0.1:${port}`,
  })
