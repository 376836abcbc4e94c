import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestState } from './request-state.ts'

/** The request that the running code belongs to, so that an uncaught error or a process.exit can be traced to its request and handler. */
export const requestContext = new AsyncLocalStorage<RequestState>()
