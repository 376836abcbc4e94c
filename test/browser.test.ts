import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openChromium } from './support/chromium.ts'
import { counter } from './support/handlers.ts'
import { site } from './support/site.ts'

const browser = await openChromium(t)
const root = join(import.meta.dirname, '../public_html')

if (browser !== undefined) {
  t.test('a directory dropped while the server runs counts visits, and shows an edit at the next reload', async t => {
    const app = await site(t, { 'index.html': 'home' }, { development: true })
    const context = await browser.newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    const shown = () => page.locator('body').textContent()

    const url = await app.url()
    await page.goto(`${url}/`)
    t.equal(await shown(), 'home')

    const directory = join(app.root, 'quick')
    mkdirSync(directory)
    writeFileSync(join(directory, '.psoaccess'), '')
    writeFileSync(join(directory, 'handler.ts'), counter)
    await page.goto(`${url}/quick/`)
    t.equal(await shown(), 'Hello World! ~ Your visit number: 1 ~ Try Reload!')
    for (const number of [2, 3]) {
      await page.reload()
      t.equal(await shown(), `Hello World! ~ Your visit number: ${number} ~ Try Reload!`)
    }
    const cookies = await context.cookies()
    t.match(cookies, [{ name: 'localhost.quick.handler', path: '/', httpOnly: true, sameSite: 'Lax', expires: -1 }])

    writeFileSync(join(directory, 'handler.ts'), counter.replace('Hello World!', 'Good evening!'))
    await page.reload()
    t.equal(await shown(), 'Good evening! ~ Your visit number: 4 ~ Try Reload!')

    writeFileSync(join(directory, '.psoaccess'), 'PSOServiceId = Another\n')
    await page.reload()
    t.equal(await shown(), 'Good evening! ~ Your visit number: 1 ~ Try Reload!')
  })

  t.test('the front page loads without an error, fits a narrow window, and its examples work by click', async t => {
    const app = await site(t, {}, { development: true, ini: `DocumentRoot = "${root}"` })
    const context = await browser.newContext({ viewport: { width: 380, height: 700 } })
    t.teardown(() => context.close())
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', message => complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(String(error)))
    page.on('requestfailed', request => complaints.push(request.url()))
    const fact = (name: string) => page.locator('dl div', { hasText: name }).locator('dd').textContent()

    await page.goto(await app.url(), { waitUntil: 'networkidle' })
    t.equal(await page.title(), 'pso · the how-to, live')
    const width = 'document.documentElement.scrollWidth'
    t.equal(await page.evaluate(width), 380, 'nothing sticks out')

    await page.getByRole('link', { name: 'Open /service-id/' }).click()
    t.equal(await fact('Your visits'), '1')
    await page.getByRole('link', { name: 'Try reload' }).click()
    t.equal(await fact('Your visits'), '2')
    await page.getByRole('link', { name: 'All examples' }).click()
    t.match(page.url(), /\/#service-id$/)

    await page.getByRole('link', { name: 'Open /form/' }).click()
    await page.getByLabel('A wish').fill('<b>tea</b>')
    await page.getByRole('button').click()
    t.equal(await fact('Your last wishes'), '<b>tea</b>')
    t.same(complaints, [])
  })

  t.test('a browser that keeps no cookies counts by its links, one that does has plain URLs', async t => {
    const app = await site(t, {}, { development: true, ini: `DocumentRoot = "${root}"` })
    const context = await browser.newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    const visits = () => page.locator('dd').first().textContent()
    const follow = () => page.getByRole('link', { name: 'Try reload' }).click()

    await page.goto(`${await app.url()}/without-cookies/`)
    for (const number of ['2', '3']) {
      await context.clearCookies()
      await follow()
      t.equal(await visits(), number)
      t.match(page.url(), /\?Basket=[\w-]{27}$/)
      t.same(await context.cookies(), [], 'an id of a URL becomes no cookie')
    }
    await page.goto(`${await app.url()}/without-cookies/`)
    t.equal(await visits(), '1')
    await follow()
    t.equal(await visits(), '2')
    await follow()
    t.equal(await visits(), '3')
    t.match(page.url(), /\/without-cookies\/$/)
  })

  t.test('the domain example has one session for two hosts, and none for a third', async t => {
    const app = await site(t, {}, { development: true, ini: `DocumentRoot = "${root}"` })
    const context = await browser.newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    const visits = () => page.locator('dd').first().textContent()

    await page.goto(`${await app.url()}/cookie-domain/`)
    await page.reload()
    t.equal(await visits(), '1', 'the browser refuses the cookie')
    for (const [host, number] of [
      ['www', '1'],
      ['shop', '2'],
      ['www', '3'],
    ]) {
      await page.getByRole('link', { name: `As ${host}.pso.localhost` }).click()
      t.equal(await visits(), number, host!)
    }
  })
}
