// STUB
export type Awaitable<T> = T | Promise<T>
export type { SessionLoader, SessionRecord } from './loader.ts'
export type { SessionOptions } from './session-options.ts'
export { SessionError } from './session-error.ts'
export type Session = any
export type SessionData = any
export type SessionImplementation = new () => object
export class SessionImpl {}
export class CookieSession {}
export class FileLoader {}
export class CookieFileImpl { PATH?: string; getPath(_r: any, _s: any): string { return '' } }
export const mixin = (..._c: unknown[]): any => SessionImpl
const store = new Map<string, any>()
export function openSession(o: any, p: any, _now: any): any {
  const id = o.forcedId ?? new RegExp(`(?:^|; )${o.serviceId}=([^;]+)`).exec(p.cookieHeader ?? '')?.[1]
  const s: any = store.get(o.serviceId + id) ?? { serviceId: o.serviceId }
  Object.defineProperty(s, 'meta', { value: { o, id }, enumerable: false, configurable: true })
  Object.defineProperty(s, 'revert', { value() {}, enumerable: false, configurable: true })
  return s
}
export const openWith = (_i: any, o: any, p: any, n: any): any => openSession(o, p, n)
export function finishSession(s: any): any { if (Object.keys(s).length > 1) { s.meta.id ??= Math.random().toString(36).slice(2); store.set(s.serviceId + s.meta.id, s) } }
export function abandonSession(_s: any): any {}
export function cookieOf(s: any): any { return s.meta.o.forcedId ? undefined : Object.keys(s).length > 1 ? `${s.serviceId}=${(s.meta.id ??= Math.random().toString(36).slice(2))}; Path=/; HttpOnly` : undefined }
export function closeCreation(_s: any): any {}
export function openLoader(_s: any): any {}
