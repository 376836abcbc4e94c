/**
 * Node's HTTP module, as require() would give it: an `import` of it reads every name it exports, WebSocket among them, which loads Node's
 * whole HTTP client and costs the start of each worker some 40 ms.
 */
export const {
  createServer,
  IncomingMessage,
  METHODS,
  ServerResponse,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} = process.getBuiltinModule('node:http')
