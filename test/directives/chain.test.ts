import t from 'tap'
import { chainOf } from '../../directives/chain.ts'

for (const [root, directory, chain] of [
  ['/srv', '/srv', ['/srv']],
  ['/srv', '/srv/a/b', ['/srv', '/srv/a', '/srv/a/b']],
  ['/', '/a/b', ['/', '/a', '/a/b']],
  ['/', '/', ['/']],
  ['/srv', '/srv/..a', ['/srv', '/srv/..a']],
] as const)
  t.test(`from ${root} to ${directory}`, async t => {
    t.same(chainOf(root, directory), chain)
  })

for (const directory of ['/', '/srvx', '/other'])
  t.test(`${directory} is not below /srv`, async t => {
    t.throws(() => chainOf('/srv', directory), RangeError)
  })
