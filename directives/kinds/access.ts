import type { OverrideGroup } from '../directive.ts'
import { type Kind, NotBuiltError } from '../kind.ts'
import { either, expected } from './expected.ts'

/** Who may have what is here. Only `all granted` and `all denied` are served yet. */
export const requirement: Kind<'granted' | 'denied'> = {
  syntax:
    'all granted | all denied (ip, local, host, valid-user, user, group, method, env, expr and not: not built yet)',
  parse(words) {
    const text = words.join(' ').toLowerCase()
    if (text === 'all granted') return 'granted'
    if (text === 'all denied') return 'denied'
    const first = words[0]?.toLowerCase() ?? ''
    if (later.has(first)) throw new NotBuiltError(`Require ${first}`)
    throw expected('all granted or all denied', words)
  },
  show: value => `all ${value}`,
}

const later = new Set([
  'not',
  'ip',
  'local',
  'host',
  'forward-dns',
  'valid-user',
  'user',
  'group',
  'method',
  'env',
  'expr',
])

export const overrideGroups: readonly OverrideGroup[] = [
  'AuthConfig',
  'FileInfo',
  'Indexes',
  'Limit',
  'Options',
  'Session',
  'Handlers',
]

/** The groups that a .psoaccess may use. */
export const overrides: Kind<ReadonlySet<OverrideGroup>> = {
  syntax: `All | None | ${overrideGroups.join(' | ')} … (Options=… not built yet)`,
  parse(words) {
    const groups = words.flatMap(word => groupsOf(word, words))
    if (words.length === 0) throw expected(either(['All', 'None', ...overrideGroups]), words)
    return new Set(groups)
  },
  show: groups => (groups.size === overrideGroups.length ? 'All' : [...groups].join(' ') || 'None'),
}

function groupsOf(word: string, words: readonly string[]): readonly OverrideGroup[] {
  const lower = word.toLowerCase()
  if (/^(options|nonfatal)=/.test(lower)) throw new NotBuiltError(`AllowOverride ${word.replace(/=.*/s, '=…')}`)
  if ((lower === 'all' || lower === 'none') && words.length > 1) throw expected(`${word} alone`, words)
  if (lower === 'all') return overrideGroups
  if (lower === 'none') return []
  const found = overrideGroups.find(group => group.toLowerCase() === lower)
  if (found === undefined) throw expected(either(['All', 'None', ...overrideGroups]), word)
  return [found]
}
