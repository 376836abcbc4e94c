import t from 'tap'
import { MAX_BYTES, MAX_LINES, readLines } from '../../directives/read-lines.ts'
import { cpuMs } from '../support/cpu-ms.ts'

const lines = (text: string) => readLines(text, '/f').map(({ at, ...line }) => [at.line, line])

for (const [text, name, value] of [
  ['Name = a b', 'Name', ' a b'],
  ['  Name=a', 'Name', 'a'],
  ['Name =', 'Name', ''],
  ['Name = # nothing', 'Name', ''],
  ['Name =#fff', 'Name', '#fff'],
  ['Name = a#b', 'Name', ' a#b'],
  ['Name = a #b', 'Name', ' a'],
  ['Name = a\t;b', 'Name', ' a'],
  ['Name = "a # b" # c', 'Name', ' "a # b"'],
  ['Name ="a # b"#c', 'Name', '"a # b"'],
  ['Name = "a \\" # b"', 'Name', ' "a \\" # b"'],
  ["Name = it's # c", 'Name', " it's"],
  ['Name = a=b', 'Name', ' a=b'],
  ['A.b-c[] = 1', 'A.b-c[]', ' 1'],
  ['__proto__ = 1', '__proto__', ' 1'],
  ['Name = \\\n a \\\nb', 'Name', '  a b'],
  ['Name = "a\\\n # b"', 'Name', ' "a # b"'],
  ['Name = a \\', 'Name', ' a'],
  ['\uFEFFName = a\r\n', 'Name', ' a'],
] as const)
  t.test(`a key line: ${JSON.stringify(text)}`, async t => {
    t.same(lines(text), [[1, { kind: 'setting', name, text: value }]])
  })

for (const [text, line] of [
  ['[Files *.html]', { kind: 'section', name: 'Files', text: ' *.html' }],
  ['  [Files "[ab]*"] # see [1]', { kind: 'section', name: 'Files', text: ' "[ab]*"' }],
  ['[Files x]# glued', { kind: 'section', name: 'Files', text: ' x' }],
  ['[RequireAll]', { kind: 'section', name: 'RequireAll', text: '' }],
  ['[Files "a=b # c"]', { kind: 'section', name: 'Files', text: ' "a=b # c"' }],
  ['[/Files ]', { kind: 'end', name: 'Files' }],
  ['Options +Indexes # x', { kind: 'other', text: 'Options +Indexes' }],
  ['SetEnv A=b', { kind: 'other', text: 'SetEnv A=b' }],
  ['Name ; comment = x', { kind: 'other', text: 'Name' }],
  ['"Name" = x', { kind: 'other', text: '"Name" = x' }],
  ['= x', { kind: 'other', text: '= x' }],
] as const)
  t.test(`a line of its own kind: ${JSON.stringify(text)}`, async t => {
    t.same(lines(text), [[1, line]])
  })

for (const [text, code] of [
  ['Name = "a', 'bad-line'],
  ["Name = a 'b", 'bad-line'],
  ['Name = \0', 'bad-line'],
  ['[Files', 'bad-section'],
  ['[]', 'bad-section'],
  ['[/Files x]', 'bad-section'],
  ['[Files x] y', 'bad-section'],
  ['#'.repeat(MAX_BYTES + 1), 'too-large'],
  ['é'.repeat(MAX_BYTES / 2 + 1), 'too-large'],
] as const)
  t.test(`wrong: ${JSON.stringify(text.slice(0, 20))}`, async t => {
    t.match(lines(text), [[1, { kind: 'wrong', code }]])
  })

t.test('lines are counted whatever ends them, and a continued one stands where it begins', async t => {
  const found = lines('A = 1\r\n\n# c\r# d \\\nB = \\\n 2\nC = 3 # x \\\nD = 4')
  t.same(
    found.map(([line]) => line),
    [1, 5, 7, 8],
  )
})

t.test('as many lines as may be are read, one more is an error at that line', async t => {
  t.equal(lines('A = 1\n'.repeat(MAX_LINES)).length, MAX_LINES)
  t.match(lines('A = 1\n'.repeat(MAX_LINES + 1)), [[MAX_LINES + 1, { code: 'too-large' }]])
})

t.test('ten thousand continued lines are one line, read in one go', async t => {
  const start = cpuMs()
  t.equal(lines(`A = ${'x \\\n'.repeat(MAX_LINES - 1)}`).length, 1)
  t.ok(cpuMs() - start < 1000)
})
