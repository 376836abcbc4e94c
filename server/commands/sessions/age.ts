import { secondsOf } from '../../../directives/index.ts'
import { UsageError } from '../usage-error.ts'

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 60 * 60, d: 24 * 60 * 60 }

/** An age in ms: `90s`, `30m`, `2h`, `7d`, or seconds as a directive takes them, `15*60`. `option` is what it was given for. */
export function ageOf(text: string, option: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  try {
    const seconds = secondsOf(count === undefined ? text : `${count}*${units[unit]}`, 0)
    if (seconds === undefined) throw new Error(`expected an age like 90s, 30m, 2h, 7d or 15*60, got "${text}"`)
    return seconds * 1000
  } catch (error) {
    throw new UsageError(`${option}: ${(error as Error).message}`)
  }
}
