import { randomBytes } from 'node:crypto'

/** 160 random bits as base64url: 27 characters that nobody can guess. */
export const newSessionId = (): string => randomBytes(20).toString('base64url')

/** The form of what `newSessionId` makes; what has another form was never issued and is not even looked up. */
export const isSessionId = (text: string): boolean => text.length === 27 && token.test(text)

/** The form of a forced id, and of the ids that a user's loader makes (DESIGN 7). */
export const isAnyId = (text: string): boolean => text.length > 0 && text.length <= 128 && token.test(text)

/** The loader's name for a forced id: no issued id has a colon, so that no cookie can reach it. */
export const forcedIdOf = (id: string): string => `${FORCED}${id}`

/** True for one that was made for the session that begins under it, and that nobody else knows. */
export const isNobodyElses = (id: string): boolean => !id.startsWith(FORCED)

const FORCED = 'forced:'
const token = /^[A-Za-z0-9_-]+$/
