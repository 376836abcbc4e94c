import type { Kind } from '../kind.ts'
import { oneWord } from './combinators.ts'
import { expected } from './expected.ts'

const named = {
  common: '%h %l %u %t "%r" %>s %b',
  combined: '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
} as const

/** Apache's `combined`, and behind it the id that the request has in the error log. */
export const combinedWithId: string = `${named.combined} %L`

/** A line of the access log, the names `common` and `combined` already replaced by theirs (mod_log_config). */
export const logFormat: Kind<string> = oneWord({
  syntax:
    'common | combined | "FORMAT" of %h %l %u %t "%r" %s %>s %b %B %O %{NAME}i %{NAME}o %D %T %v %m %U %q %f %p %L %%',
  expects: 'common, combined or one format in quotes',
  read(word) {
    if (word === 'common' || word === 'combined') return named[word]
    if (/[\0-\x1f]/.test(word) || !word.includes('%')) return undefined
    const wrong = word.replace(/%(\{[^{}%]+\}[io]|>?s|[hlutrbBODTvmUqfpL%])/g, '').match(/%([<>!,\d]*)(\{[^}]*\})?.?/)
    if (wrong !== null) throw expected("a log format's directive", wrong[0])
    return word
  },
  show: format =>
    Object.entries(named).find(([, value]) => value === format)?.[0] ?? `"${format.replace(/[\\"]/g, '\\$&')}"`,
})
