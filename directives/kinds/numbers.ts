import type { Kind } from '../kind.ts'
import { arithmetic } from './arithmetic.ts'
import { oneWord } from './combinators.ts'
import { expected } from './expected.ts'

/** A century: what lies further ahead is a slip, and no date of four digits could say it in a cookie. */
const longest = 100 * 366 * 24 * 60 * 60

/** A time span in whole seconds, also as an expression. */
export function seconds(least = 1): Kind<number> {
  return {
    syntax: 'SECONDS | EXPRESSION',
    parse(words) {
      const value = secondsOf(words.join(' '), least)
      if (value === undefined) throw expected('seconds or an expression like 15*60', words)
      return value
    },
    show: String,
  }
}

/** Whole seconds from `least` to a century; undefined where the text is no number or expression. */
export function secondsOf(text: string, least: number): number | undefined {
  const value = arithmetic(text)
  if (value === undefined) return undefined
  const whole = Math.round(value)
  if (whole < least || whole > longest) throw expected(`from ${least} to ${longest} seconds`, text)
  // -0 would be shown as 0 and not equal it
  return whole + 0
}

export const integer = (syntax: string, least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> =>
  oneWord({
    syntax,
    expects:
      most === Number.MAX_SAFE_INTEGER ? `a whole number, ${least} or more` : `a whole number from ${least} to ${most}`,
    read(word) {
      const value = /^\d+$/.test(word) ? Number(word) : Number.NaN
      return value >= least && value <= most ? value : undefined
    },
  })
