import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestState } from './request-state.ts'

/** The request that the running code belongs to: lays an error that nobody caught, or a process.exit, to its request and handler. */
export const requestContext = new AsyncLocalStorage<RequestState>()
