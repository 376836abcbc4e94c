import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { LoaderSpec } from '../../../session/open-loader.ts'

/** A process that increments the visits of the session 'shared' of the service 'shop': `done` is what it acknowledged. */
export function incrementing(spec: LoaderSpec, count: number): { done: Promise<number[]>; kill: () => void } {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'increment.ts'), JSON.stringify(spec), String(count)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', chunk => (text += chunk))
  const done = new Promise<number[]>(resolve =>
    child.once('close', () => resolve(text.split('\n').slice(0, -1).map(Number))),
  )
  return { done, kill: () => child.kill('SIGKILL') }
}
