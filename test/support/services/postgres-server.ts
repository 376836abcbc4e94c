import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { type PrivateServer, privateServer } from './private-server.ts'

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  shared_buffers: '16MB',
  // what a crash of the machine would cost is of no interest here
  fsync: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: 0,
}

/** A PostgreSQL with a user `pso`, who has to give a password. */
export const postgresServer = (t: Test): Promise<PrivateServer | undefined> =>
  privateServer(t, {
    package: 'postgresql',
    prepare(initdb, { directory, password, run }) {
      const file = join(directory, 'password')
      writeFileSync(file, password)
      run(
        initdb,
        ...['--pgdata', join(directory, 'data'), '--no-sync', '--encoding', 'UTF8', '--locale', 'C'],
        ...['--auth', 'scram-sha-256', '--username', 'pso', '--pwfile', file],
      )
    },
    command: (initdb, { directory, port }) => [
      join(dirname(initdb), 'postgres'),
      ...['-D', join(directory, 'data'), '-p', `${port}`],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    ready: /ready to accept connections/,
    // "fast shutdown": SIGTERM would wait until the clients are gone
    stopSignal: 'SIGINT',
    url: ({ port, password }) => `postgres://pso:${password}@127.0.0.1:${port}/postgres`,
  })
