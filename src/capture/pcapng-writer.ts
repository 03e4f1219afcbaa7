import { closeSync, fsyncSync, openSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BlockType, BYTE_ORDER_MAGIC, FixedBytes, OptionCode, paddedBytes } from './pcapng-format.js';

const BUFFER_BYTES = 256 * 1024;

/** Times are written as 10^-9 s. */
const RESOLUTION = 9;

/** An option's length has 16 bits. */
const MAX_OPTION_BYTES = 0xffff;

/** Snapshot length of the interfaces: tells readers that packets may be this long. */
const DEFAULT_SNAP_BYTES = 262_144;

export interface PcapngWriterOptions {
  /** Permissions of the file, e.g. 0o600 for decrypted packets. Default 0o666, less what umask takes. */
  readonly mode?: number;
  /** Written into the section header: the program that made the file. */
  readonly application?: string;
  readonly snapLength?: number;
}

/**
 * Writes a pcapng file of one section, an interface for each link type, times in nanoseconds.
 *
 * The file comes whole or not at all: it is written under another name in the same directory, which `close` changes to
 * the right one. Call either `close` or `abort`.
 *
 * @throws Error of node:fs from any method, when the disk is full, say; then call `abort`
 */
export class PcapngWriter {
  readonly path: string;
  readonly #temporaryPath: string;
  readonly #snapLength: number;
  readonly #interfaceOfLinkType = new Map<number, number>();
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  readonly #view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, BUFFER_BYTES);
  #used = 0;
  #fd: number;
  #interfaceCount = 0;
  #frameCount = 0;

  /**
   * Replaces a file of that name when it is closed, not before.
   *
   * @throws Error if `path` is a directory or a device, or its directory cannot be written to
   */
  constructor(path: string, options: PcapngWriterOptions = {}) {
    this.path = path;
    refuseSpecialFile(path);
    this.#temporaryPath = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
    this.#snapLength = options.snapLength ?? DEFAULT_SNAP_BYTES;
    removeLeftover(this.#temporaryPath);
    this.#fd = openSync(this.#temporaryPath, 'wx', options.mode ?? 0o666);
    this.#writeSectionHeader(options.application ?? 'tare');
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  /**
   * Names an interface ahead of its first packet. Without this, `write` adds a nameless one.
   *
   * @param linkType packets of this link type will belong to it
   */
  addInterface(linkType: number, name?: string): void {
    const nameBytes = name === undefined ? null : optionText(name);
    const nameLength = nameBytes === null ? 0 : 4 + paddedBytes(nameBytes.length);
    const blockBytes = FixedBytes.interfaceDescription + nameLength + 8 + 4;
    this.#reserve(blockBytes);
    this.#putU32(BlockType.interfaceDescription);
    this.#putU32(blockBytes);
    this.#putU16(linkType);
    this.#putU16(0);
    this.#putU32(this.#snapLength);
    if (nameBytes !== null) this.#putOption(OptionCode.ifName, nameBytes);
    this.#putU16(OptionCode.ifTsresol);
    this.#putU16(1);
    this.#putU32(RESOLUTION);
    this.#putU32(0);
    this.#putU32(blockBytes);
    this.#interfaceOfLinkType.set(linkType, this.#interfaceCount++);
  }

  /**
   * Adds a packet.
   *
   * @param linkType LINKTYPE_ value
   * @param seconds since 1970, whole
   * @param nanoseconds within the second
   * @param data holds the captured bytes from `offset` on
   * @param wireLength bytes it had on the wire
   * @param comment shown by Wireshark with the packet; cut to 65535 bytes
   */
  write(
    linkType: number,
    seconds: number,
    nanoseconds: number,
    data: Uint8Array,
    offset: number,
    length: number,
    wireLength: number,
    comment?: string,
  ): void {
    let interfaceId = this.#interfaceOfLinkType.get(linkType);
    if (interfaceId === undefined) {
      interfaceId = this.#interfaceCount;
      this.addInterface(linkType);
    }
    const commentBytes = comment === undefined ? null : optionText(comment);
    const optionBytes = commentBytes === null ? 0 : 4 + paddedBytes(commentBytes.length) + 4;
    const dataBytes = paddedBytes(length);
    const blockBytes = FixedBytes.enhancedPacket + dataBytes + optionBytes;
    this.#reserve(FixedBytes.enhancedPacket);
    this.#putU32(BlockType.enhancedPacket);
    this.#putU32(blockBytes);
    this.#putU32(interfaceId);
    this.#putTime(seconds, nanoseconds);
    this.#putU32(length);
    this.#putU32(wireLength);
    this.#putBytes(data, offset, length);
    this.#reserve(optionBytes + 4);
    if (commentBytes !== null) {
      this.#putOption(OptionCode.comment, commentBytes);
      this.#putU32(0);
    }
    this.#putU32(blockBytes);
    this.#frameCount++;
  }

  /** Completes the file and gives it its name. */
  close(): void {
    if (this.#fd < 0) return;
    this.#flush();
    fsyncSync(this.#fd);
    this.#closeFile();
    renameSync(this.#temporaryPath, this.path);
  }

  /** Removes what has been written. Does nothing after `close`. */
  abort(): void {
    if (this.#fd < 0) return;
    this.#closeFile();
    unlinkSync(this.#temporaryPath);
  }

  #writeSectionHeader(application: string): void {
    const name = optionText(application);
    const blockBytes = FixedBytes.sectionHeader + 4 + paddedBytes(name.length) + 4;
    this.#reserve(blockBytes);
    this.#putU32(BlockType.sectionHeader);
    this.#putU32(blockBytes);
    this.#putU32(BYTE_ORDER_MAGIC);
    this.#putU16(1);
    this.#putU16(0);
    // Section length -1: not given.
    this.#putU32(0xffff_ffff);
    this.#putU32(0xffff_ffff);
    this.#putOption(OptionCode.shbUserApplication, name);
    this.#putU32(0);
    this.#putU32(blockBytes);
  }

  /**
   * 64 bits of nanoseconds: seconds * 10^9 does not fit into a double, so it is computed modulo 2^32 and by its quotient
   * apart. The low word is exact; the high word follows from the approximate whole and the exact low word.
   */
  #putTime(seconds: number, nanoseconds: number): void {
    const low = (Math.imul(seconds, 1_000_000_000) + nanoseconds) >>> 0;
    const approximate = seconds * 1_000_000_000 + nanoseconds;
    this.#putU32(Math.round((approximate - low) / 0x1_0000_0000));
    this.#putU32(low);
  }

  #putU16(value: number): void {
    this.#view.setUint16(this.#used, value, true);
    this.#used += 2;
  }

  #putU32(value: number): void {
    this.#view.setUint32(this.#used, value, true);
    this.#used += 4;
  }

  /** There must be room for it. */
  #putOption(code: number, value: Uint8Array): void {
    this.#putU16(code);
    this.#putU16(value.length);
    this.#buffer.set(value, this.#used);
    this.#used += value.length;
    this.#pad(value.length);
  }

  /** Any length; padded to 32 bits. */
  #putBytes(data: Uint8Array, offset: number, length: number): void {
    if (this.#used + length + 3 <= BUFFER_BYTES) {
      // A loop, because subarray would make an object for each packet; long packets are worth one.
      if (length <= 64) for (let i = 0; i < length; i++) this.#buffer[this.#used + i] = data[offset + i]!;
      else this.#buffer.set(data.subarray(offset, offset + length), this.#used);
      this.#used += length;
    } else {
      this.#flush();
      writeFully(this.#fd, data, offset, length);
    }
    this.#pad(length);
  }

  #pad(length: number): void {
    const padBytes = paddedBytes(length) - length;
    this.#buffer.fill(0, this.#used, this.#used + padBytes);
    this.#used += padBytes;
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes > BUFFER_BYTES) this.#flush();
  }

  #flush(): void {
    writeFully(this.#fd, this.#buffer, 0, this.#used);
    this.#used = 0;
  }

  #closeFile(): void {
    const fd = this.#fd;
    this.#fd = -1;
    closeSync(fd);
  }
}

function optionText(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= MAX_OPTION_BYTES) return bytes;
  // Cut between characters: continuation bytes are 10xxxxxx.
  let end = MAX_OPTION_BYTES;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

function writeFully(fd: number, bytes: Uint8Array, offset: number, length: number): void {
  for (let written = 0; written < length; ) {
    written += writeSync(fd, bytes, offset + written, length - written);
  }
}

/** Renaming over /dev/stdout would replace the device. */
function refuseSpecialFile(path: string): void {
  const existing = statSync(path, { throwIfNoEntry: false });
  if (existing !== undefined && !existing.isFile()) {
    throw new Error(`${path}: is not a regular file: give the name of a file to write`);
  }
}

/** Of an earlier process with the same id that was killed. */
function removeLeftover(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
