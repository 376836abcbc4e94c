import { readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { SessionRecord } from '../loader.ts'
import { SessionError } from '../session-error.ts'

/*
 * The file of one session. Its first 4 KiB are two slots that are written in turn, each in one write within a page: a process that is
 * killed leaves the older one whole, and the checksum says which is which. What is too long for a slot stands in one of two areas of
 * its size class further back, written before the slot that points to it. So nothing is ever renamed, cut or read half.
 *
 * Slot: checksum of all that follows, magic, sequence (the version), length, size class, payload. Size class 0: the payload is the
 * record; else it is the checksum of the record, which stands in its area. Record: a line of JSON about it, then its data as they are.
 */
const MAGIC = 0x50534f31
const HEADER = 20
const SLOT = 2048
const PAGE = 2 * SLOT
const IN_SLOT = SLOT - HEADER
/** Bytes of an area of class 1, 2, ...; each class has two. The last one bounds a session. */
const classSizes = [8 << 10, 32 << 10, 128 << 10, 512 << 10, 2 << 20, 8 << 20, 32 << 20] as const

/** What a file was found to hold. */
export interface Found {
  /** Undefined: neither slot is whole. */
  readonly record: SessionRecord | undefined
  /** True where a slot had been written and is damaged: an update may be lost. */
  readonly isDamaged: boolean
}

// everything here is synchronous, so one buffer each serves all reads and writes
const page = Buffer.alloc(PAGE)
const slot = Buffer.alloc(SLOT)
const blank = Buffer.alloc(PAGE)

export function readRecord(fd: number): Found {
  const size = readSync(fd, page, 0, PAGE, 0)
  if (size < PAGE) page.fill(0, size)
  const isFirstWhole = isWhole(0)
  const isSecondWhole = isWhole(SLOT)
  const isNewerFirst = isFirstWhole && (!isSecondWhole || versionAt(0) > versionAt(SLOT))
  const isAny = isFirstWhole || isSecondWhole
  const at = isNewerFirst ? 0 : SLOT
  let record = isAny ? recordAt(fd, at) : undefined
  // an area may be there before its first slot
  let isDamaged =
    (!isFirstWhole && isWritten(0)) || (!isSecondWhole && isWritten(SLOT)) || (!isAny && !page.equals(blank))
  if (isAny && record === undefined) {
    isDamaged = true
    if (isFirstWhole && isSecondWhole) record = recordAt(fd, SLOT - at)
  }
  return { record, isDamaged }
}

const versionAt = (at: number): number => page.readUInt32BE(at + 8)

/** A slot that was never written is all zeros. */
const isWritten = (at: number): boolean => page.readUInt32BE(at + 4) !== 0 || page.readUInt32BE(at) !== 0

function isWhole(at: number): boolean {
  if (page.readUInt32BE(at + 4) !== MAGIC) return false
  const sizeClass = page.readUInt32BE(at + 16)
  const length = sizeClass === 0 ? page.readUInt32BE(at + 12) : 4
  return length <= IN_SLOT && crc32(page.subarray(at + 4, at + HEADER + length)) === page.readUInt32BE(at)
}

function recordAt(fd: number, at: number): SessionRecord | undefined {
  const version = versionAt(at)
  const length = page.readUInt32BE(at + 12)
  const sizeClass = page.readUInt32BE(at + 16)
  if (sizeClass === 0) return parsed(page.toString('utf8', at + HEADER, at + HEADER + length), version)
  if (length > (classSizes[sizeClass - 1] ?? 0)) return undefined
  const bytes = Buffer.allocUnsafe(length)
  const checksum = page.readUInt32BE(at + HEADER)
  if (readSync(fd, bytes, 0, length, areaAt(sizeClass, version)) !== length || crc32(bytes) !== checksum)
    return undefined
  return parsed(bytes.toString('utf8'), version)
}

function parsed(text: string, version: number): SessionRecord | undefined {
  const end = text.indexOf('\n')
  try {
    const record = JSON.parse(text.slice(0, end))
    record.data = text.slice(end + 1)
    record.version = version
    return record
  } catch {
    return undefined
  }
}

/** Writes the record into the slot whose turn it is by its version. */
export function writeRecord(fd: number, record: SessionRecord): void {
  const { serviceId, createdAt, usedAt, endsAt, expiresAt, label, ended, version } = record
  const text = `${JSON.stringify({ serviceId, createdAt, usedAt, endsAt, expiresAt, label, ended })}\n${record.data}`
  // at most three bytes per character: what fits for certain is not measured first
  const length = text.length * 3 <= IN_SLOT ? slot.write(text, HEADER) : Buffer.byteLength(text)
  const sizeClass = length <= IN_SLOT ? 0 : classSizes.findIndex(size => length <= size) + 1
  if (length > IN_SLOT && sizeClass === 0)
    throw new SessionError('bad-value', `the session has ${length} bytes, at most ${classSizes.at(-1)} can be kept`)
  if (sizeClass > 0) {
    const bytes = Buffer.from(text)
    writeAll(fd, bytes, bytes.length, areaAt(sizeClass, version))
    slot.writeUInt32BE(crc32(bytes), HEADER)
  } else if (text.length * 3 > IN_SLOT) slot.write(text, HEADER)
  const end = HEADER + (sizeClass === 0 ? length : 4)
  slot.writeUInt32BE(MAGIC, 4)
  slot.writeUInt32BE(version, 8)
  slot.writeUInt32BE(length, 12)
  slot.writeUInt32BE(sizeClass, 16)
  slot.writeUInt32BE(crc32(slot.subarray(4, end)), 0)
  writeAll(fd, slot, end, (version & 1) * SLOT)
}

const areaAt = (sizeClass: number, version: number): number => {
  let start = PAGE
  for (let one = 1; one < sizeClass; one++) start += 2 * classSizes[one - 1]!
  return start + (version & 1) * classSizes[sizeClass - 1]!
}

function writeAll(fd: number, bytes: Buffer, length: number, position: number): void {
  for (let at = 0; at < length; ) at += writeSync(fd, bytes, at, length - at, position + at)
}
