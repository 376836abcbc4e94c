import t from 'tap'
import { nearestName } from '../../directives/nearest-name.ts'

const names = ['Options', 'PSOSessionExpire', 'PSOSessionExpireOn', 'PSOHandler', 'Listen']

for (const [name, nearest] of [
  ['Optoins', 'Options'],
  ['options', 'Options'],
  ['PSOSesionExpire', 'PSOSessionExpire'],
  ['PSOSessionExpiresOn', 'PSOSessionExpireOn'],
  ['PSOhandlr', 'PSOHandler'],
  ['Lsten', 'Listen'],
  ['SomethingElse', undefined],
  ['x', undefined],
  ['', undefined],
  ['P'.repeat(100_000), undefined],
] as const)
  t.test(`near ${name.slice(0, 20)}`, async t => {
    t.equal(nearestName(name, names), nearest)
  })
