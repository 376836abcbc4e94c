import { AsyncLocalStorage } from 'node:async_hooks'
import type { Awaitable } from './loader.ts'

/** Something with one call under way at a time: a session, and within its `update()` the function that changes it. */
export interface Turns {
  /** Fulfilled when the last of the calls is through, however it ended; undefined: none is under way. */
  turn?: Promise<unknown> | undefined
}

/** Calls come one after another, whether anybody awaits them or not; at once where none is under way. */
export function inTurn(turns: Turns, call: () => Awaitable<void>): Awaitable<void> {
  const answer = turns.turn === undefined ? call() : turns.turn.then(call)
  if (!(answer instanceof Promise)) return
  const turn = answer
    .catch(() => {})
    .then(() => {
      if (turns.turn === turn) turns.turn = undefined
    })
  turns.turn = turn
  return answer
}

/** The running of a function that changes a session. */
export interface Change extends Turns {
  readonly of: object
  /** The one that it was begun in. */
  readonly outer: Change | undefined
  isOver: boolean
}

const changes = new AsyncLocalStorage<Change>()

/** Runs the function that changes `of`; resolves when the calls that it began are through, too. */
export async function runChange(of: object, run: () => unknown): Promise<void> {
  const change: Change = { of, outer: changes.getStore(), isOver: false }
  try {
    await changes.run(change, run)
    while (change.turn !== undefined) await change.turn
  } finally {
    change.isOver = true
  }
}

/** The change of `of` that the running code is a part of, if any: waiting for the session's turn in there would be waiting for itself. */
export function changeOf(of: object): Change | undefined {
  let change = changes.getStore()
  while (change !== undefined && (change.of !== of || change.isOver)) change = change.outer
  return change
}
