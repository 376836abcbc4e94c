import type { FSWatcher } from 'chokidar'

/** Tells of changes in directories that have been served. Nothing depends on it: an event only makes the next look come sooner. */
export interface Watcher {
  /** Watches the files of a directory, not those below; the second call for it costs one look-up. */
  add(directory: string): void
  close(): Promise<void>
}

const MOST_DIRECTORIES = 1000

interface WatcherOptions {
  readonly onChange: (file: string) => void
  /** Hears of a watcher that fails, once: a sentence for the log. */
  readonly report: (message: string) => void
}

/** chokidar is loaded with the first directory, so that a start does not wait for it. */
export function createWatcher({ onChange, report }: WatcherOptions): Watcher {
  /** The least lately added first. */
  const directories = new Set<string>()
  let watcher: Promise<FSWatcher> | undefined
  let isReported = false
  let isClosed = false

  async function open(): Promise<FSWatcher> {
    const { watch } = await import('chokidar')
    const opened = watch([], { depth: 0, ignoreInitial: true, persistent: false })
    opened.on('all', (_event, file) => onChange(file))
    opened.on('error', error => {
      if (isReported) return
      isReported = true
      const { code } = error as NodeJS.ErrnoException
      const limit = code === 'ENOSPC' ? '; raise fs.inotify.max_user_watches to have more' : ''
      report(
        `some directories cannot be watched, their changes are found by looking: ${(error as Error).message}${limit}`,
      )
    })
    return opened
  }

  return {
    add(directory) {
      if (directories.has(directory) || isClosed) return
      directories.add(directory)
      watcher ??= open()
      const [oldest] = directories
      const isFull = directories.size > MOST_DIRECTORIES
      if (isFull) directories.delete(oldest!)
      void watcher.then(opened => {
        if (isFull) opened.unwatch(oldest!)
        opened.add(directory)
      })
    },
    async close() {
      isClosed = true
      await (await watcher)?.close()
    },
  }
}
