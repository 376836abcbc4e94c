import { type Browser, chromium } from 'playwright-core'
import type { Test } from 'tap'
import { programOf } from './packages.ts'

/** A browser, closed when the test ends. Undefined where there is none: the test is skipped, under CI it fails. */
export async function openChromium(t: Test): Promise<Browser | undefined> {
  const executablePath = programOf(t, 'chromium')
  if (executablePath === undefined) return undefined
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
