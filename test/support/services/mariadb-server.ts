import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type PrivateServer, privateServer } from './private-server.ts'

/** A MariaDB with a database and a user `pso`, who has to give a password, and may make databases `pso_…`. `options`: more of mariadbd's. */
export const mariadbServer = (t: Test, ...options: string[]): Promise<PrivateServer | undefined> =>
  privateServer(t, {
    package: 'mariadb-server',
    prepare(_mariadbd, { directory, password, run }) {
      writeFileSync(
        join(directory, 'init.sql'),
        `CREATE DATABASE IF NOT EXISTS pso;
CREATE USER IF NOT EXISTS pso@'%' IDENTIFIED BY '${password}';
GRANT ALL ON pso.* TO pso@'%';
GRANT ALL ON \`pso\\_%\`.* TO pso@'%';
`,
      )
      run(
        'mariadb-install-db',
        ...['--no-defaults', `--datadir=${join(directory, 'data')}`, '--innodb-log-file-size=8M'],
        ...['--auth-root-authentication-method=normal', '--skip-test-db'],
      )
    },
    command: (mariadbd, { directory, port }) => [
      mariadbd,
      '--no-defaults',
      `--datadir=${join(directory, 'data')}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      `--socket=${join(directory, 'socket')}`,
      `--pid-file=${join(directory, 'pid')}`,
      `--init-file=${join(directory, 'init.sql')}`,
      '--skip-name-resolve',
      '--max-connections=200',
      '--innodb-buffer-pool-size=16M',
      '--innodb-log-file-size=8M',
      // what a crash of the machine would cost is of no interest here
      '--innodb-flush-log-at-trx-commit=2',
      '--skip-innodb-doublewrite',
      ...options,
    ],
    ready: /ready for connections/,
    stopSignal: 'SIGTERM',
    url: ({ port, password }) => `mysql://pso:${password}@127.0.0.1:${port}/pso`,
  })
