import { fastifyCookie } from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import type { Cookies } from './api/cookies.ts'

let loaded: Promise<unknown> | undefined

/**
 * Reads and writes authors' cookies, with no decorator on anybody's app: a site may live in an app that others have made. The functions of
 * @fastify/cookie work once it has been registered, which is when it loads what they are made of: here at nothing.
 */
export async function loadAuthorCookies(): Promise<Cookies> {
  await (loaded ??= fastifyCookie(nothing as unknown as FastifyInstance, { hook: false }))
  return { parse: fastifyCookie.parse, serialize: fastifyCookie.serialize }
}

const ignore = (): void => {}
const nothing = { decorate: ignore, decorateRequest: ignore, decorateReply: ignore, addHook: ignore }
