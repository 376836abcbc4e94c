import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { missing, missingPackages, type PackageName } from './packages.ts'

/**
 * Run once before the tests: says what the machine lacks, a line for each package, whose tests are skipped. With CI=true, as root on Debian,
 * it is installed instead; what is missing all the same fails its tests.
 */
const canInstall = process.env.CI === 'true' && process.getuid?.() === 0 && existsSync('/etc/debian_version')
const missingAtFirst = missingPackages()
if (canInstall && missingAtFirst.length > 0) install(missingAtFirst)
for (const name of missingPackages()) console.error(missing(name))

function install(names: readonly PackageName[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const aptGet = (...args: string[]) => execFileSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  try {
    withoutDaemons(() => {
      aptGet('update', '-qq')
      aptGet('install', '-y', '-qq', '--no-install-recommends', ...names)
    })
  } catch (error) {
    console.error(`packages could not be installed: ${(error as Error).message}`)
  }
}

/**
 * Debian starts what it installs, unless /usr/sbin/policy-rc.d says no (invoke-rc.d(8), deb-systemd-invoke(1p)). One that is there stays as
 * it is, ours goes again, also at a signal: with a listener it waits until apt-get has ended.
 */
function withoutDaemons(work: () => void): void {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return work()
  const stop = () => process.exit(1)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop)
  try {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    work()
  } finally {
    rmSync(policy, { force: true })
  }
}
