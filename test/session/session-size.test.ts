import t from 'tap'
import { encode } from '../../session/encode.ts'
import { checkSize } from '../../session/session-size.ts'

t.test(
  'a session of more bytes than it may have is an error that names the largest key, and never its data',
  async t => {
    const data = { small: 1, große: 'ä'.repeat(50), other: 'b'.repeat(80) }
    const text = encode(data)
    const bytes = Buffer.byteLength(text)
    checkSize(text, data, bytes)
    t.throws(() => checkSize(text, data, bytes - 1), {
      code: 'too-large',
      message: `the session has ${bytes} bytes, PSOSessionMaxSize is ${bytes - 1}: the largest key is session.große with 113`,
    })
  },
)
