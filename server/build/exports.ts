import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Points `exports` of package.json at the argument: `dist`, what is built, while the package is packed, and `sources` afterwards. A clone is
 * used as it is, without a build; below node_modules Node strips no types. npm packs the package.json that is there after prepack, and no
 * condition of `exports` tells the two places apart.
 */
const doors = {
  sources: '"./server/door.ts"',
  dist: '{ "types": "./dist/server/door.d.ts", "default": "./dist/server/door.js" }',
} as const

const [, , wanted] = process.argv
if (wanted !== 'sources' && wanted !== 'dist') throw new Error(`expected sources or dist, got ${wanted}`)
const file = join(import.meta.dirname, '../../package.json')
const text = readFileSync(file, 'utf8')
const before = Object.values(doors).find(door => text.includes(`".": ${door}`))
if (before === undefined) throw new Error(`${file}: expected exports to have ".": ${doors.sources}`)
writeFileSync(file, text.replace(`".": ${before}`, `".": ${doors[wanted]}`))
