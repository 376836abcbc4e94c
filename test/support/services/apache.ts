import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { plantPso } from '../program.ts'
import { privateServer } from './private-server.ts'

/** An Apache of its own, which runs `.cgi` files as programs (mod_cgid) and reads `.htaccess`. */
export interface Apache {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string
  /** Its DocumentRoot, `public_html`, lies in it; Apache may write here. */
  readonly directory: string
  /** What its error log has, standard error of programs among it. */
  errorLog(): string
}

const modules = ['mpm_event', 'authz_core', 'cgid', 'mime', 'env'] as const

/**
 * Starts it over what `plantSite` writes into its directory; programs find `pso` in their PATH. Gone when the test ends. Undefined where the
 * machine has no Apache: the test is skipped, under CI it fails.
 */
export async function apache(t: Test, plantSite: (directory: string) => void): Promise<Apache | undefined> {
  let directory = ''
  const server = await privateServer(t, {
    package: 'apache2',
    prepare(_program, place) {
      directory = place.directory
      plantPso(join(directory, 'bin'))
      writeFileSync(join(directory, 'httpd.conf'), configuration(directory, place.port))
      plantSite(directory)
    },
    command: (program, place) => [program, '-f', join(place.directory, 'httpd.conf'), '-DFOREGROUND'],
    ready: /resuming normal operations/,
    stopSignal: 'SIGTERM',
    lastSignal: 'SIGTERM',
    readsAll: true,
    url: ({ port }) => `http://127.0.0.1:${port}`,
  })
  if (server === undefined) return undefined
  const log = join(directory, 'error.log')
  return { url: server.url, directory, errorLog: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') }
}

const configuration = (directory: string, port: number): string => `
ServerRoot ${directory}
ServerName apache.test
Listen 127.0.0.1:${port}
PidFile ${directory}/pid
DefaultRuntimeDir ${directory}
${modules.map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ScriptSock ${directory}/cgisock
TypesConfig /dev/null
# what it says is seen on standard output as well, where the test waits for it
ErrorLog "|/usr/bin/tee ${directory}/error.log"
DocumentRoot ${directory}/public_html
SetEnv PATH ${directory}/bin:/usr/bin:/bin
<Directory ${directory}/public_html>
Require all granted
AllowOverride All
</Directory>
`
