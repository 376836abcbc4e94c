import t from 'tap'
import { remembered } from '../../../session/loaders/remembered.ts'

t.test('an answer is made once, and again when there have been too many others', async t => {
  const made: string[] = []
  const upper = remembered(2, text => {
    made.push(text)
    return text.toUpperCase()
  })
  t.same(['a', 'b', 'a', 'b', 'c', 'a'].map(upper), ['A', 'B', 'A', 'B', 'C', 'A'])
  t.same(made, ['a', 'b', 'c', 'a'])
})
