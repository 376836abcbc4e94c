import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { multipartType, partHead } from '../support/multipart.ts'
import { peakWhile, residentMiB } from '../support/processes.ts'
import { sendUpload } from '../support/send-upload.ts'
import { serveSite } from '../support/served-site.ts'
import { until } from '../support/until.ts'
import { uploadsIn, uploadTree } from '../support/uploads.ts'
import { dial, head, rawClient } from '../support/wire.ts'

const MOST_MIB = 120
const ABORTED = 10_000
const AT_ONCE = 50

t.test('an upload of 1 GiB takes no memory that one of 128 MiB does not take', { timeout: 60_000 }, async t => {
  const site = await serveSite(t, t.testdir(), uploadTree)
  const [worker] = site.workers()
  const url = `${site.url}/up/`
  await sendUpload(url, 1024 * 1024)
  const idle = residentMiB(worker!)
  for (const size of [2 ** 27, 2 ** 30]) {
    const { value, peak } = await peakWhile(worker!, () => sendUpload(url, size))
    t.match(value, new RegExp(`^HTTP/1\\.1 200 .*\\r\\n\\r\\n${size}$`, 's'))
    t.ok(peak - idle <= MOST_MIB, `${size / 2 ** 20} MiB: ${(peak - idle).toFixed(0)} MiB above idle`)
  }
  await until(() => uploadsIn(join(site.directory, '.pso')).length === 0)
})

t.test('10,000 aborted uploads leave no file and no open descriptor', { timeout: 60_000 }, async t => {
  const site = await serveSite(t, t.testdir(), uploadTree)
  const [worker] = site.workers()
  await sendUpload(`${site.url}/up/`, 1024)
  const descriptors = (): number => (existsSync('/proc') ? readdirSync(`/proc/${worker}/fd`).length : 0)
  const before = descriptors()
  const start =
    head('POST /up/', `Content-Type: ${multipartType}`, 'Content-Length: 1000000') +
    partHead({ name: 'up', filename: 'a.bin' })
  /** Sends so much of a file, and is gone as soon as the system has taken it, in one of three ways. */
  const abort = (number: number): Promise<void> =>
    new Promise(gone => {
      const socket = dial(site.url)
      socket.resume().on('error', () => {})
      socket.on('close', () => gone())
      socket.write(start + 'x'.repeat((number * 7919) % 100_000), () => {
        if (number % 3 === 0) socket.resetAndDestroy()
        else if (number % 3 === 1) socket.destroy()
        else setImmediate(() => socket.end())
      })
    })
  let number = 0
  const abortOn = async (): Promise<void> => {
    while (number < ABORTED) await abort(number++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, abortOn))
  await until(() => uploadsIn(join(site.directory, '.pso')).length === 0)
  await until(() => descriptors() <= before)
  t.match(await sendUpload(`${site.url}/up/`, 5), /\r\n\r\n5$/)
  t.same(site.workers(), [worker])
  const lines = site.errorLog().split('\n')
  t.ok(lines.length > ABORTED / 2, 'they were under way')
  t.same(
    lines.filter(line => line !== '' && !/POST \/up\/ 400: the body ended early/.test(line)),
    [],
  )
})

t.test('what a server that was killed had of uploads is gone when the next one has started', async t => {
  const directory = t.testdir()
  const killed = await serveSite(t, directory, uploadTree)
  const client = await rawClient(killed.url)
  await client.write(
    head('POST /up/', `Content-Type: ${multipartType}`, 'Content-Length: 1000000') +
      partHead({ name: 'up', filename: 'a.bin' }) +
      'x'.repeat(100_000),
  )
  await until(() => uploadsIn(join(directory, '.pso')).length === 1)
  await killed.kill()
  t.equal(uploadsIn(join(directory, '.pso')).length, 1)
  await serveSite(t, directory, uploadTree, { workers: 2 })
  await until(() => uploadsIn(join(directory, '.pso')).length === 0)
  t.same(readdirSync(join(directory, '.pso/uploads')), [])
  client.socket.destroy()
})
