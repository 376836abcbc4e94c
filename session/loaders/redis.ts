import { createHash } from 'node:crypto'
import type { RedisClientType } from 'redis'
import type { SessionRecord } from '../loader.ts'
import { driver } from './driver.ts'
import type { LockAnswer, RemoteStore } from './remote-store.ts'
import { withoutPassword } from './without-password.ts'

/*
 * What the store holds: a hash `pso:session:KEY` for each session, with fields that a person can read; a string `pso:lock:KEY` with the
 * token that holds its lock, which Redis itself removes when the lease is over; and `pso:ends`, the keys of all sessions by when they end.
 * Each step is a script, which Redis runs as a whole.
 */
const session = (key: string): string => `pso:session:${key}`
const lockOf = (key: string): string => `pso:lock:${key}`
const ENDS = 'pso:ends'

type None = Record<string, never>
type Client = RedisClientType<None, None, None, 2>

interface Script {
  readonly text: string
  readonly sha: string
}

const script = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })

const lock = script(`
local holder = redis.call('GET', KEYS[2])
if holder then return { holder } end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return { ARGV[1], redis.call('HGETALL', KEYS[1]) }`)

const renew = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end`)

const unlock = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`)

const save = script(`
local holder = redis.call('GET', KEYS[2]) or ''
if holder ~= ARGV[1] then return ARGV[1] == '' and 'locked' or 'conflict' end
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[3] then return 'conflict' end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[5])
if ARGV[2] == '1' then redis.call('DEL', KEYS[2]) end
return 'saved'`)

const purge = script(`
local removed = 0
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  if redis.call('EXISTS', ARGV[3] .. key) == 0 then
    redis.call('DEL', ARGV[4] .. key)
    redis.call('ZREM', KEYS[1], key)
    removed = removed + 1
  end
end
return removed`)

/** Redis or Valkey, from 4.0 on. */
export class RedisStore implements RemoteStore {
  readonly name: string
  readonly #url: string
  #client: Client | undefined

  constructor(url: string) {
    this.#url = url
    this.name = withoutPassword(url)
  }

  async connect(): Promise<void> {
    const { createClient } = await driver('redis', () => import('redis'))
    const client: Client = createClient({
      url: this.#url.replace(/^redis/i, 'redis'),
      // answers as lists, also where the store has maps
      RESP: 2,
      disableOfflineQueue: true,
      // the guard has a deadline for all calls; one of its own for each costs more than the call
      commandOptions: { timeout: 0 },
      socket: { reconnectStrategy: false, connectTimeout: 1000 },
    })
    // the calls report the same failure
    client.on('error', () => {})
    this.disconnect()
    this.#client = client
    await client.connect()
    await client.ping()
  }

  disconnect(): void {
    const client = this.#client
    this.#client = undefined
    if (client?.isOpen === true) client.destroy()
  }

  isOutage(error: unknown): boolean {
    const { name, message } = error as Error
    return (
      !/ErrorReply|SimpleError|ResponseError/.test(name) ||
      /^(?:LOADING|MASTERDOWN|NOAUTH|WRONGPASS|NOPERM)\b/.test(message)
    )
  }

  async lock(key: string, token: string, leaseMs: number): Promise<LockAnswer> {
    const [holder, fields] = (await this.#run(lock, [session(key), lockOf(key)], [token, String(leaseMs)])) as [
      string,
      string[] | undefined,
    ]
    return { holder, record: recordOf(fields) }
  }

  async renew(key: string, token: string, leaseMs: number): Promise<void> {
    await this.#run(renew, [lockOf(key)], [token, String(leaseMs)])
  }

  async unlock(key: string, token: string): Promise<void> {
    await this.#run(unlock, [lockOf(key)], [token])
  }

  async load(key: string): Promise<SessionRecord | undefined> {
    return recordOf((await this.#send(['HGETALL', session(key)])) as string[])
  }

  async save(
    key: string,
    record: SessionRecord,
    token: string | undefined,
    unlocks: boolean,
  ): Promise<'saved' | 'conflict' | 'locked'> {
    const answer = await this.#run(
      save,
      [session(key), lockOf(key), ENDS],
      [
        token ?? '',
        unlocks ? '1' : '0',
        String(record.version - 1),
        record.endsAt === undefined ? '+inf' : String(record.endsAt),
        key,
        ...fieldsOf(record),
      ],
    )
    return answer as 'saved' | 'conflict' | 'locked'
  }

  async purge(now: number, most: number): Promise<number> {
    return Number(await this.#run(purge, [ENDS], [String(now), String(most), lockOf(''), session('')]))
  }

  async *list(keyPrefix: string): AsyncGenerator<readonly [string, SessionRecord]> {
    let cursor = '0'
    do {
      const [next, found] = (await this.#send(['ZSCAN', ENDS, cursor, 'MATCH', `${keyPrefix}*`, 'COUNT', '500'])) as [
        string,
        string[],
      ]
      cursor = next
      // name and score in turn
      const keys = found.filter((_, index) => index % 2 === 0)
      const records = await Promise.all(keys.map(key => this.load(key)))
      for (const [index, record] of records.entries()) if (record !== undefined) yield [keys[index]!, record]
    } while (cursor !== '0')
  }

  /** By its hash; the text is sent once, to a server that has not seen it. */
  async #run({ sha, text }: Script, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...values]
    try {
      return await this.#send(['EVALSHA', sha, ...rest])
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error
      return this.#send(['EVAL', text, ...rest])
    }
  }

  #send(command: string[]): Promise<unknown> {
    if (this.#client === undefined) throw new Error('there is no connection')
    return this.#client.sendCommand(command)
  }
}

/** Times in ms since the epoch. */
function fieldsOf(record: SessionRecord): string[] {
  const fields: string[] = []
  for (const [name, value] of Object.entries(record)) if (value !== undefined) fields.push(name, String(value))
  return fields
}

function recordOf(fields: readonly string[] | undefined): SessionRecord | undefined {
  if (fields === undefined || fields.length === 0) return undefined
  const record: Record<string, unknown> = {}
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    const value = fields[at + 1]!
    record[name] = numbers.has(name) ? Number(value) : name === 'ended' ? value === 'true' : value
  }
  return record as unknown as SessionRecord
}

const numbers: ReadonlySet<string> = new Set(['createdAt', 'usedAt', 'endsAt', 'expiresAt', 'version'])
