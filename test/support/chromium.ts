import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import type { Test } from 'tap'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const applications = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/**
 * A browser, closed when the test ends. Undefined where there is none, with one line that says so and the test skipped; with CI=true it is
 * installed where that can be done (as root, on Debian), and its absence is a failure.
 */
export async function openChromium(t: Test): Promise<Browser | undefined> {
  const isCI = process.env.CI === 'true'
  const executablePath = findChromium() ?? (isCI ? installChromium() : undefined)
  if (executablePath === undefined) {
    const message = `no browser found: expected one of ${names.join(', ')} in PATH`
    if (isCI) t.fail(message)
    else {
      console.error(`test/browser.test.ts is skipped, ${message}`)
      t.pass('skipped', { skip: message })
    }
    return undefined
  }
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  const browser = await chromium.launch({ executablePath, headless: true, args })
  t.teardown(() => browser.close())
  return browser
}

function findChromium(): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter)
  const candidates = [...directories.flatMap(directory => names.map(name => join(directory, name))), ...applications]
  return candidates.find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function installChromium(): string | undefined {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return undefined
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const run = (...args: string[]) => execFileSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  run('update', '-qq')
  run('install', '-y', '-qq', '--no-install-recommends', 'chromium')
  return findChromium()
}
