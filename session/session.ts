import { expiryOf, type When } from './expiry-of.ts'
import { changeOf, inTurn, runChange, type Turns } from './in-turn.ts'
import { endOf } from './life.ts'
import type { Awaitable } from './loader.ts'
import { renewId } from './renew-id.ts'
import { revertChanges, saveAndUnlock, saveChanges, updateSession } from './save-session.ts'
import { SessionError } from './session-error.ts'
import type { SessionState } from './session-state.ts'

/** Merge your own into it: `declare module 'pso' { interface SessionData { visits?: number } }`; other keys are `any`. */
// biome-ignore lint/suspicious/noEmptyInterface: users merge into it
export interface SessionData {}

/** The data are its own properties; these names are taken, and assigning one is a TypeError. */
export interface SessionMethods {
  /** Undefined until something has been stored. */
  readonly id: string | undefined
  readonly serviceId: string
  /** `new`: not stored yet; `open`: the store knows it; `ended`: over with this request. */
  readonly status: 'new' | 'open' | 'ended'
  isNew(): boolean
  /** When it ends at the latest, by expiry or idleness; undefined: with the browser. */
  getExpire(): Date | undefined
  /** Ends it: right away, in so many seconds, at a date (`{ date }`, ms or a Date), or at a text in a strptime format. */
  expire(when?: When, format?: string): void
  /** Stores it now, also while it is empty; may be called any number of times. */
  save(): Promise<void>
  /** Goes back to the last load or save. */
  revert(): void
  /** Another id for the same data (after a login); the old id dies. */
  regenerate(): Promise<void>
  /** Ends it for good: a slower request cannot bring it back. */
  invalidate(): void
  /** Counts as a use, though nothing changed: idleness begins anew. */
  touch(): void
  /** Saves, and lets the next request have it; what is changed afterwards may meet a conflict. */
  release(): Promise<void>
  /**
   * Changes it by a function and saves: exactly, also without the lock, where the function may be called again on what another request
   * left meanwhile. It should do nothing but change the session: `save()` within it does nothing, `release()` and `regenerate()` come
   * after it, another `update()` is a part of it.
   */
  update(change: (session: Session) => unknown): Promise<void>
  /** Says whose it is (at most 255 characters, `''`: nobody's), so that `pso sessions` finds and ends all sessions of a user. */
  label(user: string): void
}

export type Session = SessionMethods & SessionData & { [key: string]: any }

/**
 * What a session is made as: nothing but a private tie to its state. Below, its prototype gets the methods and loses everything
 * else, so that nobody can list or reach the state. A WeakMap would do the same, but an entry a request makes the garbage
 * collector's work some five times as much.
 */
class Tied {
  readonly #state: SessionState

  constructor(state: SessionState) {
    this.#state = state
  }

  static stateOf(session: object): SessionState {
    if (!(#state in session)) throw new TypeError('expected a session')
    return session.#state
  }
}

/** A session without data, over `state`. */
export const makeSession = (state: SessionState): Session => new Tied(state) as object as Session

/** What stands behind a session; a TypeError for anything else. */
export const stateOf = (session: object): SessionState => Tied.stateOf(session)

/** Makes a call in its turn, which nobody may await: the end of the request waits for it, and its failure is a failed save. */
function kept(session: object, call: () => Awaitable<void>, turns?: Turns): Promise<void> {
  const state = stateOf(session)
  const answer = (async () => inTurn(turns ?? state, call))()
  state.pending ??= []
  state.pending.push(answer)
  answer.catch(() => {})
  return answer
}

/** The same, but within an update the call comes after the update, which does not wait for it. */
function keptOrLater(session: object, call: () => Awaitable<void>): Promise<void> {
  const answer = kept(session, call)
  return changeOf(session) === undefined ? answer : Promise.resolve()
}

function end(session: object): void {
  for (const key of Object.keys(session)) delete (session as Record<string, unknown>)[key]
  stateOf(session).status = 'ended'
}

const methods: { readonly [Name in keyof SessionMethods]: (this: Session) => SessionMethods[Name] } = {
  id() {
    const { id, isForced, options } = stateOf(this)
    return isForced ? options.forcedId : id
  },
  serviceId() {
    return stateOf(this).options.serviceId
  },
  status() {
    return stateOf(this).status
  },
  isNew() {
    return () => stateOf(this).status === 'new'
  },
  getExpire() {
    return () => {
      const { options, expiresAt, record, now } = stateOf(this)
      const at = endOf(options, expiresAt, record?.usedAt ?? now())
      return at === undefined ? undefined : new Date(at)
    }
  },
  expire() {
    return (when, format) => {
      const state = stateOf(this)
      const at = expiryOf(when, format, state.now())
      if (at === undefined) return end(this)
      state.expiresAt = at
      state.isTouched = true
    }
  },
  save() {
    // an update saves by itself
    return () =>
      changeOf(this) === undefined ? kept(this, () => saveChanges(stateOf(this), this, true)) : Promise.resolve()
  },
  revert() {
    return () => revertChanges(stateOf(this), this)
  },
  regenerate() {
    return () => keptOrLater(this, () => renewId(stateOf(this), this))
  },
  invalidate() {
    return () => end(this)
  },
  touch() {
    return () => {
      stateOf(this).isTouched = true
    }
  },
  release() {
    return () => keptOrLater(this, () => saveAndUnlock(stateOf(this), this))
  },
  update() {
    return change => {
      const state = stateOf(this)
      if (state.status === 'ended')
        return Promise.reject(new SessionError('ended', 'the session has ended: there is nothing to update'))
      const run = (): Promise<void> => runChange(this, () => change(this))
      const within = changeOf(this)
      return within === undefined ? kept(this, () => updateSession(state, this, run)) : kept(this, run, within)
    }
  },
  label() {
    return user => {
      if (typeof user !== 'string' || user.length > 255)
        throw new TypeError(
          `session.label: expected a text of at most 255 characters, got ${typeof user === 'string' ? `one of ${user.length}` : typeof user}`,
        )
      // a database can keep neither
      if (/\0|\p{Surrogate}/u.test(user))
        throw new TypeError(
          'session.label: expected a text of whole characters, got one with a NUL or half a surrogate pair',
        )
      const state = stateOf(this)
      const label = user === '' ? undefined : user
      if (state.label === label) return
      state.label = label
      state.isTouched = true
    }
  },
}

/** Ends in null, and has no constructor: `__proto__` and `constructor` are keys like any other. */
const prototype: object = Tied.prototype
Object.setPrototypeOf(prototype, null)
Reflect.deleteProperty(prototype, 'constructor')
for (const [name, get] of Object.entries(methods))
  Object.defineProperty(prototype, name, {
    get,
    set() {
      throw new TypeError(`session.${name} is a method of the session: take another name for your data`)
    },
  })

/** After the first byte a session can no longer begin: setting a key of one that has not begun is an error that says so. */
const closedPrototype = new Proxy(prototype, {
  set(_target, key) {
    throw new SessionError(
      'too-late',
      `session.${String(key)} cannot be set: the head of the response has left, and no session can begin any more`,
    )
  },
})

/** From now on the head of the response stands. */
export function closeCreation(session: Session): void {
  const state = stateOf(session)
  state.isHeadGone = true
  if (state.status === 'new' && state.id === undefined) Object.setPrototypeOf(session, closedPrototype)
}
