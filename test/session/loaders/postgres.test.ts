import { Client } from 'pg'
import t, { type Test } from 'tap'
import { PostgresStore } from '../../../session/loaders/postgres.ts'
import { RemoteLoader } from '../../../session/loaders/remote-loader.ts'
import { postgresServer } from '../../support/services/postgres-server.ts'
import { loaderContract } from '../loader-contract.ts'

t.test('postgres', async t => {
  const server = await postgresServer(t)
  if (server === undefined) return
  const admin = new Client(server.url)
  await admin.connect()
  t.teardown(() => admin.end())
  let schemas = 0
  const emptyPlace = async (): Promise<string> => {
    const schema = `s${schemas++}`
    await admin.query(`CREATE SCHEMA ${schema}`)
    return `${server.url}?options=-c%20search_path%3D${schema}`
  }
  loaderContract(t, async (t: Test) => {
    const loader = new RemoteLoader(new PostgresStore(await emptyPlace()))
    t.teardown(() => loader.close())
    return loader
  })
})
