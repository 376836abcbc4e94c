import type { HeaderAction } from '../directives/index.ts'
import { variableOf } from './api/environ.ts'
import type { RequestState } from './request-state.ts'

/**
 * Applies the `Header` lines in effect, in order (mod_headers). Lines without `always` count for 2xx, for 304, whose fields renew those of a
 * cache (RFC 9110 section 15.4.5), and for error documents that a local path answers, not for redirects and errors that pso answers itself.
 */
export function applyHeaders(state: RequestState): void {
  const actions = state.plan.directives.Header
  if (actions.length === 0) return
  const { status } = state.output
  const succeeded = status < 300 || status === 304 || state.errorStatus !== undefined
  for (const action of actions) {
    if (action.condition === 'onsuccess' && !succeeded) continue
    if (action.env !== undefined && !isSet(state, action.env)) continue
    apply(state, action)
  }
}

function isSet(state: RequestState, condition: string): boolean {
  const negated = condition.startsWith('!')
  const name = negated ? condition.slice(1) : condition
  return (variableOf(state, name) !== undefined) !== negated
}

function apply(state: RequestState, { action, name, value = '', replacement = '' }: HeaderAction): void {
  const { headers } = state.output
  const text = filled(state, value)
  const present = headers.getAll(name)
  switch (action) {
    case 'set':
      return headers.set(name, text)
    case 'add':
      return headers.add(name, text)
    case 'unset':
      return headers.delete(name)
    case 'setifempty':
      return present.length === 0 ? headers.set(name, text) : undefined
    case 'append':
      return headers.set(name, [...present, text].join(', '))
    case 'merge':
      return present.some(one => one.split(/, */).includes(text))
        ? undefined
        : headers.set(name, [...present, text].join(', '))
    case 'edit':
    case 'edit*':
      if (present.length === 0) return
      headers.delete(name)
      for (const one of present) headers.add(name, edited(one, value, filled(state, replacement), action === 'edit*'))
  }
}

/** `$0` is what the pattern found, `$1` to `$9` are its groups, a `\` takes the meaning from a `$` (ap_pregsub). */
const edited = (text: string, pattern: string, replacement: string, all: boolean): string =>
  text.replace(new RegExp(pattern, all ? 'g' : ''), (...found: readonly unknown[]) => {
    const groups = found.slice(
      0,
      found.findIndex(part => typeof part === 'number'),
    ) as readonly (string | undefined)[]
    return replacement.replace(
      /\\([\\$])|\$(\d)/g,
      (_written, literal?: string, digit?: string) => literal ?? groups[Number(digit)] ?? '',
    )
  })

/** `%{NAME}e`, `%t`, `%D`, `%%` of a value (mod_headers' format). */
function filled(state: RequestState, value: string): string {
  if (!value.includes('%')) return value
  return value.replace(/%(?:\{([^}]*)\}([es])|([tDs%]))/g, (_whole, variable: string | undefined, _kind, letter) => {
    if (variable !== undefined) return asField(variableOf(state, variable) ?? '(null)')
    if (letter === '%') return '%'
    if (letter === 't') return `t=${state.startedAt * 1000}`
    return `D=${Math.max(0, state.site.now() - state.startedAt) * 1000}`
  })
}

/** A variable's text as ASCII, the rest percent-encoded: raw bytes would depend on what body Node sends behind them. */
const asField = (text: string): string =>
  text.replace(/[^\x20-\x7e]+/g, other => Buffer.from(other).toString('hex').toUpperCase().replace(/../g, '%$&'))
