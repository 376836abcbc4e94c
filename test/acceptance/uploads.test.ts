import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { asksForInput, does } from '../support/handlers.ts'
import { site } from '../support/site.ts'

t.test('28: form input by POST as multipart', async t => {
  const app = await site(t, { '.psoaccess': '', 'handler.ts': asksForInput }, { development: true })
  const form = new FormData()
  form.append('a', '1')
  form.append('a', '2')
  form.append('b', '3')
  const answer = await fetch(await app.url(), { method: 'POST', body: form })
  t.equal(answer.status, 200)
  t.same(await answer.json(), ['1', '2', ['1', '2'], 'none', 'none', ['a', 'b']])
})

t.test('29: an upload has the name and the content that were sent; it can be kept and saved', async t => {
  const directory = t.testdir()
  const app = await site(
    t,
    {
      '.psoaccess': '',
      'handler.ts': does(`
        const { readFileSync } = await import('node:fs')
        const file = req.pso().getFile('up')
        if (file === undefined) return { none: true }
        const content = readFileSync(file.path, 'utf8')
        if (req.args === 'keep') await file.keep()
        if (req.args === 'save') await file.save('saved.txt', ${JSON.stringify(directory)})
        return { filename: file.filename, type: file.type, size: file.size, content, path: file.path }`),
    },
    { development: true },
  )
  const url = await app.url()
  const content = 'of 17 characters\n'.repeat(10_000)
  const upload = async (query: string, name: string) => {
    const form = new FormData()
    form.append('text', 'a field')
    form.append('up', new File(name === '' ? [] : [content], name, { type: 'text/plain' }))
    const answer = await fetch(`${url}/?${query}`, { method: 'POST', body: form })
    return (await answer.json()) as { filename: string; path: string; none?: true }
  }
  const expected = { filename: 'photo.txt', type: 'text/plain', size: content.length, content }
  const thrownAway = await upload('', 'photo.txt')
  t.match(thrownAway, expected)
  t.match(await upload('', 'C:\\Documents and Settings\\photo.txt'), expected)
  t.match(await upload('', '../../home/photo.txt'), expected)
  const kept = await upload('keep', 'photo.txt')
  t.match(kept, expected)
  t.match(await upload('save', 'photo.txt'), expected)
  t.same(await upload('', ''), { none: true }, 'no file was chosen')
  // when it is closed all requests are over
  await app.close()
  t.notOk(existsSync(thrownAway.path))
  t.equal(readFileSync(kept.path, 'utf8'), content)
  t.equal(readFileSync(join(directory, 'saved.txt'), 'utf8'), content)
})
