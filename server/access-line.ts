export interface AccessFacts { host: string; user: string | undefined; time: number; request: string; status: number; bytes: number; headersIn: any; headersOut: any; ms: number; method: string; path: string; query: string; protocol: string; serverName: string; port: number; file: string | undefined }
export function compileAccessLine(_format: string): (facts: AccessFacts) => string {
  return f => `${f.host} - - [] "${f.request}" ${f.status} ${f.bytes}\n`
}
