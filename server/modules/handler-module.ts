/** The exports of a handler module, by name. */
export type HandlerModule = Readonly<Record<string, unknown>>
