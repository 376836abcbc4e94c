import { readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { SessionRecord } from '../loader.ts'
import { SessionError } from '../session-error.ts'

/*
 * The file of one session. Its first 4 KiB are two slots that are written in turn, each in one write within a page: a process that is
 * killed leaves the older one whole, and the checksum says which is which. What is too long for a slot stands in one of two areas of
 * its size class further back, written before the slot that points to it. So nothing is ever renamed, cut or read half.
 *
 * Slot: magic, sequence (the version), length of the payload, size class (0: in the slot), checksum of these and the payload.
 * Payload: a line of JSON about the record, then its data as they are.
 */
const MAGIC = 0x50534f31
const HEADER = 20
const SLOT = 2048
const PAGE = 2 * SLOT
const IN_SLOT = SLOT - HEADER
/** Bytes of an area of class 1, 2, ...; each class has two. The last one bounds a session. */
const classSizes = [8 << 10, 32 << 10, 128 << 10, 512 << 10, 2 << 20] as const

/** What a file was found to hold. */
export interface Found {
  /** Undefined: neither slot is whole. */
  readonly record: SessionRecord | undefined
  /** True where a slot had been written and is damaged: an update may be lost. */
  readonly isDamaged: boolean
}

/** For reading only: everything here is synchronous, so that one buffer serves all. */
const page = Buffer.alloc(PAGE)

export function readRecord(fd: number): Found {
  const size = readSync(fd, page, 0, PAGE, 0)
  if (size < PAGE) page.fill(0, size)
  const first = readSlot(fd, 0)
  const second = readSlot(fd, SLOT)
  const newest = (first?.version ?? 0) > (second?.version ?? 0) ? first : second
  const isWritten = (at: number): boolean => page.readUInt32BE(at) !== 0
  const isDamaged =
    (first === undefined && isWritten(0)) ||
    (second === undefined && isWritten(SLOT)) ||
    (newest === undefined && size > 0)
  return { record: newest, isDamaged }
}

function readSlot(fd: number, at: number): SessionRecord | undefined {
  if (page.readUInt32BE(at) !== MAGIC) return undefined
  const version = page.readUInt32BE(at + 4)
  const length = page.readUInt32BE(at + 8)
  const sizeClass = page.readUInt32BE(at + 12)
  let payload: Buffer
  if (sizeClass === 0) {
    if (length > IN_SLOT) return undefined
    payload = page.subarray(at + HEADER, at + HEADER + length)
  } else {
    const area = classSizes[sizeClass - 1]
    if (area === undefined || length > area) return undefined
    payload = Buffer.alloc(length)
    if (readSync(fd, payload, 0, length, areaAt(sizeClass, version)) !== length) return undefined
  }
  if (crc32(payload, crc32(page.subarray(at, at + 16))) !== page.readUInt32BE(at + 16)) return undefined
  const end = payload.indexOf(10)
  try {
    return { ...JSON.parse(payload.toString('utf8', 0, end)), data: payload.toString('utf8', end + 1), version }
  } catch {
    return undefined
  }
}

/** Writes the record as version `record.version + 1` into the slot whose turn it is. */
export function writeRecord(fd: number, record: SessionRecord): void {
  const { data, version: before, ...about } = record
  const version = before + 1
  const text = `${JSON.stringify(about)}\n${data}`
  const length = Buffer.byteLength(text)
  const sizeClass = length <= IN_SLOT ? 0 : classSizes.findIndex(size => length <= size) + 1
  if (length > IN_SLOT && sizeClass === 0)
    throw new SessionError('bad-value', `the session has ${length} bytes, at most ${classSizes.at(-1)} can be kept`)
  const slot = Buffer.alloc(sizeClass === 0 ? HEADER + length : HEADER)
  slot.writeUInt32BE(MAGIC, 0)
  slot.writeUInt32BE(version, 4)
  slot.writeUInt32BE(length, 8)
  slot.writeUInt32BE(sizeClass, 12)
  let payload: Buffer
  if (sizeClass === 0) {
    slot.write(text, HEADER)
    payload = slot.subarray(HEADER)
  } else {
    payload = Buffer.from(text)
    writeAll(fd, payload, areaAt(sizeClass, version))
  }
  slot.writeUInt32BE(crc32(payload, crc32(slot.subarray(0, 16))), 16)
  writeAll(fd, slot, (version & 1) * SLOT)
}

const areaAt = (sizeClass: number, version: number): number => {
  let start = PAGE
  for (let one = 1; one < sizeClass; one++) start += 2 * classSizes[one - 1]!
  return start + (version & 1) * classSizes[sizeClass - 1]!
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at)
}
