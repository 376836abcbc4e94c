import { hash } from 'node:crypto'

/** One session among those of all services: a record belongs to one service. */
export const sessionName = (serviceId: string, id: string): string => `${serviceId}\0${id}`

/** What a store knows a session by: a hash of its name, so that nobody learns an id by reading the store. 64 hex digits. */
export const sessionKey = (name: string): string => hash('sha256', name, 'hex')
