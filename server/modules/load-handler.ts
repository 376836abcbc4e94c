import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { hasChanged } from './file-stamps.ts'
import { HandlerError } from './handler-error.ts'
import type { HandlerModule } from './handler-module.ts'
import { moduleExtensions } from './module-extensions.ts'
import { filesOf, importModule, invalidate, isModuleFile, realFile, versionOf } from './module-graph.ts'

/** The handler modules of a server, as fresh as its mode asks. */
export interface HandlerModules {
  /**
   * The module that the name `module`, written in a file of the directory `base`, means; at once where it is loaded and fresh. In development
   * its files are looked at for each call, in production once in `recheckMs`. If it does not load, is gone, or takes more than a second to
   * load again, in production the last good one keeps serving, and that is reported once; else a HandlerError.
   */
  load(base: string, module: string): HandlerModule | Promise<HandlerModule>
  /** True for the real path of a file that is a handler module or imported by one. */
  has(file: string): boolean
  /** After a watcher's event: the next call looks at everything. */
  forgetAll(): void
}

interface Options {
  readonly now: () => number
  readonly recheckMs: number
  readonly development: boolean
  readonly report: (error: HandlerError) => void
  /** How long a request waits for a new version if there is a last good one. Default 1 s. */
  readonly patienceMs?: number
}

/** One module file. */
interface Slot {
  readonly file: string
  checkedAt: number
  /** The version that `module` or `error` is of. */
  version: number
  module: HandlerModule | undefined
  error: HandlerError | undefined
  loading: Promise<HandlerModule> | undefined
}

const PATIENCE_MS = 1000

export function createHandlerModules({
  now,
  recheckMs,
  development,
  report,
  patienceMs = PATIENCE_MS,
}: Options): HandlerModules {
  const slots = new Map<string, Slot>()
  /** By base and name as written: the fast way to a slot. */
  const named = new Map<string, Map<string, Slot>>()

  function load(base: string, module: string): HandlerModule | Promise<HandlerModule> {
    const known = named.get(base)?.get(module)
    const time = now()
    if (known?.module !== undefined && time >= known.checkedAt && time - known.checkedAt < recheckMs)
      return known.module
    const file = resolveModule(base, module)
    if (file === undefined) return missing(known, time, base, module)
    const slot = slotOf(base, module, file)
    slot.checkedAt = time
    for (const file of filesOf(slot.file)) if (hasChanged(file)) invalidate(file)
    if (slot.version === versionOf(slot.file)) {
      if (slot.loading !== undefined) return slot.loading
      if (slot.module !== undefined && (slot.error === undefined || !development)) return slot.module
      if (slot.error !== undefined) throw slot.error
    }
    return loadAgain(slot)
  }

  /** A file that is replaced may be away for a moment. */
  function missing(slot: Slot | undefined, time: number, base: string, module: string): HandlerModule {
    const message = `expected the module ${module} in ${base}, found no such file`
    const error = new HandlerError('handler-missing', message, { file: module })
    if (development || slot?.module === undefined) throw error
    slot.checkedAt = time
    if (slot.error === undefined) report(error)
    slot.error = error
    return slot.module
  }

  function slotOf(base: string, module: string, found: string): Slot {
    const file = realFile(found)
    let slot = slots.get(file)
    if (slot === undefined) {
      slot = { file, checkedAt: 0, version: -1, module: undefined, error: undefined, loading: undefined }
      slots.set(file, slot)
    }
    let ofBase = named.get(base)
    if (ofBase === undefined) named.set(base, (ofBase = new Map()))
    ofBase.set(module, slot)
    return slot
  }

  function loadAgain(slot: Slot): Promise<HandlerModule> {
    hasChanged(slot.file)
    // taken before the load: an edit while it runs is seen by the next request
    slot.version = versionOf(slot.file)
    const loading = withPatience(slot).finally(() => {
      if (slot.loading === loading) slot.loading = undefined
    })
    slot.loading = loading
    return loading
  }

  /** The module's top-level await may take its time, or never end. */
  async function withPatience(slot: Slot): Promise<HandlerModule> {
    const lastGood = development ? undefined : slot.module
    const loaded = importSlot(slot)
    if (lastGood === undefined) return loaded
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<HandlerModule>(resolve => {
      timer = setTimeout(() => {
        const message = `the module ${slot.file} has not loaded after ${patienceMs} ms`
        report(new HandlerError('cannot-load', message, { file: slot.file }))
        resolve(lastGood)
      }, patienceMs)
    })
    return Promise.race([loaded, late]).finally(() => clearTimeout(timer))
  }

  async function importSlot(slot: Slot): Promise<HandlerModule> {
    const { version } = slot
    try {
      const module = await importModule(slot.file)
      if (slot.version === version) {
        slot.module = module
        slot.error = undefined
      }
      return module
    } catch (cause) {
      const error = new HandlerError('cannot-load', `the module ${slot.file} does not load`, { file: slot.file, cause })
      if (slot.version === version) slot.error = error
      if (development || slot.module === undefined) throw error
      report(error)
      return slot.module
    }
  }

  return {
    load,
    has: isModuleFile,
    forgetAll() {
      for (const slot of slots.values()) slot.checkedAt = 0
    },
  }
}

const endings = ['', ...moduleExtensions.map(extension => `.${extension}`)]

/** The file that a module's name means, relative to `base`: as written, or with an extension behind it; undefined where there is none. */
function resolveModule(base: string, module: string): string | undefined {
  const path = resolve(base, module)
  const found = endings.find(ending => statSync(path + ending, { throwIfNoEntry: false })?.isFile())
  return found === undefined ? undefined : path + found
}
