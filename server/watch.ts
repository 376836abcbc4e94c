export interface Watcher { add(directory: string): void; close(): Promise<void> }
export function createWatcher(_o: { onChange(file: string): void; report(message: string): void }): Watcher { return { add() {}, async close() {} } }
