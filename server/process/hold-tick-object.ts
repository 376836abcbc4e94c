import { executionAsyncResource } from 'node:async_hooks'

const held: object[] = []

/**
 * Keeps one of the objects in which Node queues a `process.nextTick`. V8 collects its heap within the first second, and where no such
 * object is alive just then it forgets their hidden class, which is met at every tick of every request: what is compiled afterwards
 * stores into them the slow way, for good, and a request takes a tenth more CPU.
 */
export function holdTickObject(): void {
  if (held.length === 0) process.nextTick(() => held.push(executionAsyncResource()))
}
