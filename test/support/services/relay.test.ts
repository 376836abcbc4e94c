import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { knock } from './knock.ts'
import { relayTo } from './relay.ts'

/** A server that sends back what it gets, and a relay to it. */
async function relay(t: Test) {
  const server = createServer(socket => socket.on('error', () => {}).pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return relayTo(t, (server.address() as AddressInfo).port)
}

async function open(t: Test, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function echoOf(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  const [answer] = await once(socket, 'data')
  return `${answer}`
}

t.test('a relay forwards both ways, and names itself in the URL', async t => {
  const { port, url } = await relay(t)
  t.equal(await echoOf(await open(t, port), 'a'), 'a')
  t.equal(url('postgres://pso:secret@127.0.0.1:5432/db'), `postgres://pso:secret@127.0.0.1:${port}/db`)
  t.equal(url('redis://:secret@127.0.0.1:6379'), `redis://:secret@127.0.0.1:${port}`)
})

t.test('refusing, it cuts off who is connected and refuses who comes, until it resumes', async t => {
  const { port, refuse, resume } = await relay(t)
  const standing = await open(t, port)
  t.equal(await echoOf(standing, 'a'), 'a')
  const cut = once(standing, 'close')
  await refuse()
  await cut
  t.equal(await knock(port), 'ECONNREFUSED')
  await resume()
  t.equal(await echoOf(await open(t, port), 'b'), 'b')
})

t.test('as a black hole it accepts and swallows; what lost something is cut off when it resumes', async t => {
  const { port, blackHole, resume } = await relay(t)
  const standing = await open(t, port)
  t.equal(await echoOf(standing, 'a'), 'a')
  await blackHole()
  const newcomer = await open(t, port)
  const answers: string[] = []
  for (const socket of [standing, newcomer]) {
    socket.on('data', chunk => answers.push(`${chunk}`))
    socket.write('lost')
  }
  // what a free relay needs for an answer, many times over
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  t.notOk(standing.destroyed || newcomer.destroyed)
  const cut = [once(standing, 'close'), once(newcomer, 'close')]
  await resume()
  await Promise.all(cut)
  t.same(answers, [])
  t.equal(await echoOf(await open(t, port), 'b'), 'b')
})

t.test('from refusing to swallowing and back to refusing', async t => {
  const { port, refuse, blackHole } = await relay(t)
  await refuse()
  await blackHole()
  t.equal(await knock(port), 'connected')
  await refuse()
  t.equal(await knock(port), 'ECONNREFUSED')
})
