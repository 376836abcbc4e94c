import { createConnection } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { MysqlStore } from '../../../session/loaders/mysql.ts'
import { RemoteLoader } from '../../../session/loaders/remote-loader.ts'
import { mariadbServer } from '../../support/services/mariadb-server.ts'
import { loaderContract } from '../loader-contract.ts'

t.test('mariadb', async t => {
  const server = await mariadbServer(t)
  if (server === undefined) return
  const admin = await createConnection(server.url)
  t.teardown(() => admin.end())
  loaderContract(t, async (t: Test) => {
    await admin.query('DROP TABLE IF EXISTS pso_sessions')
    const loader = new RemoteLoader(new MysqlStore(server.url))
    t.teardown(() => loader.close())
    return loader
  })
})
