import { existsSync, realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { closureOf, importFile, installModuleHooks, invalidate, known, versionOf } from './module-graph.ts'
import type { HandlerModule } from './handler-module.ts'
import { HandlerError } from './handler-error.ts'
export { installModuleHooks }
export interface HandlerModules { load(file: string): HandlerModule | Promise<HandlerModule>; has(file: string): boolean; forget(file: string): void; forgetAll(): void }
export function createHandlerModules({ now, recheckMs, report }: { now: () => number; recheckMs: number; development: boolean; report: (e: HandlerError) => void }): HandlerModules {
  const slots = new Map<string, { v: number; mod?: HandlerModule; err?: unknown; stamps: Map<string, string>; at: number }>()
  const stamp = (f: string): string => { const s = statSync(f, { throwIfNoEntry: false }); return s ? `${s.mtimeMs} ${s.size} ${s.ino}` : '-' }
  return {
    load(given) {
      const file = realpathSync(given)
      const slot = slots.get(file)
      if (slot !== undefined) {
        const t = now()
        if (recheckMs > 0 && t - slot.at < recheckMs && slot.mod) return slot.mod
        slot.at = t
        let changed = false
        for (const [f, s] of slot.stamps) if (stamp(f) !== s) { invalidate(f); slot.stamps.set(f, stamp(f)); changed = true }
        if (!changed && versionOf(file) === slot.v) { if (slot.err && (recheckMs === 0 || !slot.mod)) throw slot.err; return slot.mod! }
      }
      return (async () => {
        const s = slot ?? { v: 0, stamps: new Map<string, string>(), at: now() }
        slots.set(file, s)
        s.v = versionOf(file)
        try { s.mod = await importFile(file); delete s.err } catch (e) { s.err = new HandlerError('load', `${(e as Error).message}`, { cause: e }); report(s.err as HandlerError) }
        for (const f of closureOf(file)) s.stamps.set(f, stamp(f))
        if (s.err && (recheckMs === 0 || !s.mod)) throw s.err
        return s.mod!
      })()
    },
    has: known,
    forget() {},
    forgetAll() {},
  }
}
export function resolveModule(base: string, module: string): string | undefined {
  const path = resolve(base, module)
  for (const e of ['', '.ts', '.mts', '.js', '.mjs', '.cjs']) if (statSync(path + e, { throwIfNoEntry: false })?.isFile()) return path + e
  return existsSync(path) ? undefined : undefined
}
