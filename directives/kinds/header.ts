import { type Kind, NotBuiltError } from '../kind.ts'
import { compilePattern } from '../pattern.ts'
import { either, expected, showWord } from './expected.ts'

/** One `Header` line (mod_headers). */
export interface HeaderAction {
  /** `onsuccess`: for answers of 2xx and documents of errors; `always`: for every answer. */
  readonly condition: 'always' | 'onsuccess'
  readonly action: (typeof actions)[number]
  readonly name: string
  /** The value as a format; for `edit` and `edit*` the regular expression. Absent for `unset`. */
  readonly value?: string
  /** For `edit` and `edit*`, as a format. */
  readonly replacement?: string
  /** Only where this variable is set, or with a leading `!` is not. */
  readonly env?: string
}

const actions = ['set', 'append', 'merge', 'add', 'unset', 'setifempty', 'edit', 'edit*'] as const

/** How many words follow the name. */
const wordsAfterName = (action: HeaderAction['action']): number =>
  action === 'unset' ? 0 : action.startsWith('edit') ? 2 : 1

export const header: Kind<readonly HeaderAction[]> = {
  syntax: `[always | onsuccess] ${actions.join(' | ')} NAME [VALUE | PATTERN REPLACEMENT] [env=[!]VARIABLE]`,
  parse(words) {
    const rest = [...words]
    const first = rest[0]?.toLowerCase()
    const condition = first === 'always' || first === 'onsuccess' ? first : 'onsuccess'
    if (first === condition) rest.shift()
    const action = actionOf(rest.shift(), words)
    const name = nameOf(rest.shift(), words)
    const count = wordsAfterName(action)
    const [value, replacement] = rest.splice(0, count)
    if ((count > 0 && value === undefined) || (count === 2 && replacement === undefined) || rest.length > 1)
      throw expected(
        `${action} NAME ${['', 'VALUE ', 'PATTERN REPLACEMENT '][count]}[env=VARIABLE], a value with blanks in quotes`,
        words,
      )
    const env = conditionOf(rest[0], words)
    if (count === 2) compilePattern(value!)
    else if (value !== undefined) checkFormat(value)
    if (replacement !== undefined) checkFormat(replacement)
    return [
      {
        condition,
        action,
        name,
        ...(value === undefined ? {} : { value }),
        ...(replacement === undefined ? {} : { replacement }),
        ...(env === undefined ? {} : { env }),
      },
    ]
  },
  show: list => list.map(showAction).join(', '),
}

function actionOf(word: string | undefined, words: readonly string[]): HeaderAction['action'] {
  const lower = word?.toLowerCase()
  if (lower === 'echo' || lower === 'note') throw new NotBuiltError(`Header ${lower}`)
  const found = actions.find(name => name === lower)
  if (found === undefined) throw expected(either(actions), word ?? words)
  return found
}

/** Apache's lines may end the name with a colon. */
function nameOf(word: string | undefined, words: readonly string[]): string {
  const name = word?.replace(/:$/, '')
  if (name === undefined || !/^[\w!#$%&'*+\-.^`|~]+$/.test(name)) throw expected("a header's name", word ?? words)
  // a response that another length stands over would run into the next one on its connection
  if (/^(content-length|transfer-encoding)$/i.test(name))
    throw expected('a header other than those of its length', word!)
  return name
}

function conditionOf(word: string | undefined, words: readonly string[]): string | undefined {
  if (word === undefined) return undefined
  if (/^expr=/i.test(word) || /^early$/i.test(word)) throw new NotBuiltError(`Header with ${word.replace(/=.*/s, '=')}`)
  const found = /^env=(!?[^\s=!]+)$/.exec(word)
  if (found === null) throw expected('env=VARIABLE at the end, and a value with blanks in quotes', words)
  return found[1]
}

/** `%{VARIABLE}e`, `%t` (when the request came), `%D` (how long it took), `%%`. */
function checkFormat(value: string): void {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw expected('a header value without control characters', value)
  const wrong = value.replace(/%(\{[^{}%]+\}e|[tD%])/g, '').match(/%(\{[^}]*\})?.?/)
  if (wrong !== null) throw expected('%{VARIABLE}e, %t, %D or %%', wrong[0])
}

function showAction({ condition, action, name, value, replacement, env }: HeaderAction): string {
  const given = [value, replacement].filter(word => word !== undefined).map(showWord)
  const when = condition === 'always' ? ['always'] : []
  return [...when, action, name, ...given, ...(env === undefined ? [] : [`env=${env}`])].join(' ')
}
