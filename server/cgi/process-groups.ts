/** How long what was told to end may take before it is killed; mod_cgi's. */
const KILL_MS = 3000

/**
 * The process groups of the programs that run: each program leads one, and what it starts belongs to it, unless it leaves by `setsid`.
 * None outlives its request for long.
 */
export class ProcessGroups {
  /** By the leader's process id; a timer where the group has been told to end. */
  readonly #groups = new Map<number, NodeJS.Timeout | undefined>()

  add(pid: number): void {
    this.#groups.set(pid, undefined)
  }

  /** SIGTERM to all that is left of a group, and SIGKILL to what is still there 3 s later. */
  end(pid: number): void {
    if (!signal(pid, 'SIGTERM')) return this.#forget(pid)
    // a stopped process would not notice
    signal(pid, 'SIGCONT')
    this.#groups.set(
      pid,
      setTimeout(() => {
        signal(pid, 'SIGKILL')
        this.#forget(pid)
      }, KILL_MS),
    )
  }

  /** After the leader's end: whether others of its group are left. If none are, its number may soon be another's, and is never signalled. */
  leaderGone(pid: number): boolean {
    const isAlive = signal(pid, 0)
    if (!isAlive) this.#forget(pid)
    return isAlive
  }

  killAll(): void {
    for (const pid of this.#groups.keys()) signal(pid, 'SIGKILL')
  }

  #forget(pid: number): void {
    clearTimeout(this.#groups.get(pid))
    this.#groups.delete(pid)
  }
}

/** False where no process of the group is left. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, name)
    return true
  } catch (error) {
    // EPERM: there are some, of another user
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
