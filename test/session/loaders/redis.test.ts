import t, { type Test } from 'tap'
import { RedisStore } from '../../../session/loaders/redis.ts'
import { RemoteLoader } from '../../../session/loaders/remote-loader.ts'
import { redisServer } from '../../support/services/redis-server.ts'
import { loaderContract } from '../loader-contract.ts'

t.test('redis', async t => {
  const server = await redisServer(t)
  if (server === undefined) return
  let database = 0
  const open = (t: Test): RemoteLoader => {
    // an empty one each time: Redis has sixteen
    const loader = new RemoteLoader(new RedisStore(`${server.url}/${database++}`.replace(/\/+(\d+)$/, '/$1')))
    t.teardown(() => loader.close())
    return loader
  }
  loaderContract(t, open)
})
