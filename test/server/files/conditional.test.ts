import t from 'tap'
import { conditionalStatus } from '../../../server/files/conditional.ts'

const validators = { etag: '"a-1"', lastModified: 'Mon, 23 Nov 2026 02:09:39 GMT' }

t.test('lists of entity tags: whole tags, weakly for If-None-Match alone, * only by itself', async t => {
  for (const [field, isListed, isListedWeakly] of [
    ['"a-1"', true, true],
    ['"x", "a-1"', true, true],
    ['"x","a-1" ,"y"', true, true],
    ['W/"a-1"', false, true],
    ['"x", W/"a-1"', false, true],
    ['*', true, true],
    ['"x,*,y"', false, false],
    ['"x", "*"', false, false],
    ['"A-1"', false, false],
    ['a-1', false, false],
    ['', false, false],
  ] as const) {
    t.equal(conditionalStatus({ 'if-match': field }, validators), isListed ? 200 : 412, `If-Match: ${field}`)
    t.equal(
      conditionalStatus({ 'if-none-match': field }, validators),
      isListedWeakly ? 304 : 200,
      `If-None-Match: ${field}`,
    )
  }
})
