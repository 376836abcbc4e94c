import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
export interface LogFile { write(line: string): void; reopen(): void; close(): void }
export function createLogFile(target: { type: 'file'; path: string } | { type: 'stdout' | 'stderr' | 'none' }, options?: unknown): LogFile {
  void options
  let buffer = ''
  const flush = (): void => { if (buffer === '') return; const b = buffer; buffer = ''; if (target.type === 'file') { mkdirSync(dirname(target.path), { recursive: true }); appendFileSync(target.path, b) } else if (target.type !== 'none') process[target.type].write(b) }
  return { write(line) { buffer += line; flush() }, reopen() {}, close() { flush() } }
}
