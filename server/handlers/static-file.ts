import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { closeSync, createReadStream, openSync, type Stats } from 'node:fs'
export interface FileSlice { readonly fd: number; readonly start: number; readonly length: number }
export interface Answer { readonly status: number; readonly headers: Record<string, string>; readonly body: Buffer | string | FileSlice | undefined }
export interface StaticFiles { answer(request: { method: string; headers: IncomingHttpHeaders }, file: string, stats: Stats, settings: unknown): Answer }
export function createStaticFiles(_o: unknown): StaticFiles { return { answer(_r, file, stats) { return { status: 200, headers: { 'Content-Length': String(stats.size), ETag: '"x"' }, body: { fd: openSync(file), start: 0, length: stats.size } } } } }
export async function sendSlice(slice: FileSlice, res: ServerResponse): Promise<void> { if (!slice.length) { closeSync(slice.fd); res.end(); return } createReadStream('', { fd: slice.fd, start: slice.start, end: slice.start + slice.length - 1 }).pipe(res) }
