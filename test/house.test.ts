import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { project } from './support/project.ts'

const rooms = ['directives', 'session', 'server'] as const

/** What each room may import from outside itself; `one importer` packages name their file. */
const mayEnter = { directives: [], session: [], server: ['directives/index.ts', 'session/index.ts'] } as const
const importers: Readonly<Record<string, readonly string[]>> = {
  ini: ['directives/read-lines.ts'],
  chokidar: ['server/watch.ts'],
  fastify: ['server/app.ts'],
  '@fastify/busboy': ['server/input/multipart.ts'],
  '@fastify/cookie': ['server/author-cookies.ts'],
  mysql2: ['session/loaders/mysql.ts'],
  pg: ['session/loaders/postgres.ts'],
  redis: ['session/loaders/redis.ts'],
  'mime-types': ['server/files/media-type.ts'],
}

interface Import {
  readonly from: string
  readonly to: string
  readonly isType: boolean
}

const files = rooms.flatMap(room => globSync(`${room}/**/*.ts`, { cwd: project }))
const imports: Import[] = files.flatMap(from =>
  [
    ...readFileSync(join(project, from), 'utf8').matchAll(
      /^(?:import|export)\b(\s+type\b)?[^'"]*?\bfrom '([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map(([, type, fixed, dynamic]) => {
    const to = fixed ?? dynamic!
    return {
      from,
      to: to.startsWith('.') ? relative(project, join(project, dirname(from), to)) : to,
      isType: type !== undefined,
    }
  }),
)

t.test('the two libraries do not know each other, nor the server; rooms are entered by their door', async t => {
  for (const { from, to } of imports) {
    const room = from.split('/')[0] as (typeof rooms)[number]
    const other = rooms.find(name => to.startsWith(`${name}/`) && name !== room)
    if (other !== undefined) t.ok((mayEnter[room] as readonly string[]).includes(to), `${from} imports ${to}`)
  }
})

t.test('each outside package has one importer', async t => {
  for (const { from, to, isType } of imports)
    if (!isType && !to.startsWith('node:') && !files.includes(to))
      t.ok(importers[to]?.includes(from), `${from} imports ${to}`)
})

t.test('no file imports itself by way of others, types apart', async t => {
  const values = Map.groupBy(
    imports.filter(({ isType, to }) => !isType && files.includes(to)),
    ({ from }) => from,
  )
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) return void t.fail([...way.slice(way.indexOf(file)), file].join(' -> '))
    if (done.has(file)) return
    for (const { to } of values.get(file) ?? []) visit(to, [...way, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  t.ok(done.size > 60)
})
