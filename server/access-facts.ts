import type { AccessFacts } from './access-line.ts'
import type { RequestState } from './request-state.ts'
export const accessFactsOf = (state: RequestState): AccessFacts => ({ host: state.fastify.ip, request: `${state.raw.method} ${state.fastify.originalUrl} HTTP/1.1`, status: state.response.statusCode, bytes: 0 }) as any
