export type HandlerModule = Record<string, unknown>
