/** Builds captures byte by byte, after the drafts, for what no tool at hand writes. */

export interface PcapVariant {
  littleEndian?: boolean;
  nanosecond?: boolean;
  /** Kuznetsov's patch: record headers of 24 bytes. */
  patched?: boolean;
  linkType?: number;
  snapLength?: number;
}

export interface PcapRecord {
  seconds: number;
  fraction: number;
  data: Uint8Array;
  wireLength?: number;
}

export function pcapBytes(variant: PcapVariant, records: readonly PcapRecord[]): Buffer {
  const le = variant.littleEndian ?? true;
  const header = Buffer.alloc(24);
  const magic = variant.patched ? 0xa1b2cd34 : variant.nanosecond ? 0xa1b23c4d : 0xa1b2c3d4;
  putU32(header, 0, magic, le);
  putU16(header, 4, 2, le);
  putU16(header, 6, 4, le);
  putU32(header, 16, variant.snapLength ?? 262_144, le);
  putU32(header, 20, variant.linkType ?? 1, le);
  const parts = [header];
  for (const record of records) {
    const head = Buffer.alloc(variant.patched ? 24 : 16);
    putU32(head, 0, record.seconds, le);
    putU32(head, 4, record.fraction, le);
    putU32(head, 8, record.data.length, le);
    putU32(head, 12, record.wireLength ?? record.data.length, le);
    parts.push(head, Buffer.from(record.data));
  }
  return Buffer.concat(parts);
}

export interface PcapngOption {
  code: number;
  value: Uint8Array;
}

export class PcapngBytes {
  readonly #parts: Buffer[] = [];
  #le = true;

  section(littleEndian = true): this {
    this.#le = littleEndian;
    const body = Buffer.alloc(16);
    this.#u32(body, 0, 0x1a2b3c4d);
    putU16(body, 4, 1, this.#le);
    body.fill(0xff, 8);
    return this.block(0x0a0d0d0a, body);
  }

  interface(linkType: number, snapLength = 0, options: readonly PcapngOption[] = []): this {
    const body = Buffer.alloc(8);
    putU16(body, 0, linkType, this.#le);
    this.#u32(body, 4, snapLength);
    return this.block(1, Buffer.concat([body, this.#options(options)]));
  }

  /** `if_tsresol` and `if_tsoffset`. */
  clock(resolution: number, offsetSeconds = 0n): PcapngOption[] {
    const offset = Buffer.alloc(8);
    if (this.#le) offset.writeBigInt64LE(offsetSeconds);
    else offset.writeBigInt64BE(offsetSeconds);
    return [
      { code: 9, value: Uint8Array.of(resolution) },
      { code: 14, value: offset },
    ];
  }

  enhanced(
    interfaceId: number,
    units: bigint,
    data: Uint8Array,
    options: readonly PcapngOption[] = [],
    wireLength = data.length,
  ): this {
    const head = Buffer.alloc(20);
    this.#u32(head, 0, interfaceId);
    this.#u32(head, 4, Number(units >> 32n));
    this.#u32(head, 8, Number(units & 0xffff_ffffn));
    this.#u32(head, 12, data.length);
    this.#u32(head, 16, wireLength);
    return this.block(6, Buffer.concat([head, padded(data), this.#options(options)]));
  }

  obsolete(interfaceId: number, drops: number, units: bigint, data: Uint8Array): this {
    const head = Buffer.alloc(20);
    putU16(head, 0, interfaceId, this.#le);
    putU16(head, 2, drops, this.#le);
    this.#u32(head, 4, Number(units >> 32n));
    this.#u32(head, 8, Number(units & 0xffff_ffffn));
    this.#u32(head, 12, data.length);
    this.#u32(head, 16, data.length);
    return this.block(2, Buffer.concat([head, padded(data)]));
  }

  simple(wireLength: number, data: Uint8Array): this {
    const head = Buffer.alloc(4);
    this.#u32(head, 0, wireLength);
    return this.block(3, Buffer.concat([head, padded(data)]));
  }

  /** Interface statistics; `isb_ifdrop` is option 5, `isb_osdrop` 7. */
  statistics(interfaceId: number, counters: Record<number, bigint>): this {
    const head = Buffer.alloc(12);
    this.#u32(head, 0, interfaceId);
    const options = Object.entries(counters).map(([code, count]) => {
      const value = Buffer.alloc(8);
      if (this.#le) value.writeBigUInt64LE(count);
      else value.writeBigUInt64BE(count);
      return { code: Number(code), value };
    });
    return this.block(5, Buffer.concat([head, this.#options(options)]));
  }

  block(type: number, body: Uint8Array): this {
    const whole = Buffer.alloc(12 + body.length);
    this.#u32(whole, 0, type);
    this.#u32(whole, 4, whole.length);
    whole.set(body, 8);
    this.#u32(whole, whole.length - 4, whole.length);
    this.#parts.push(whole);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Where each block ends. */
  ends(): number[] {
    let end = 0;
    return this.#parts.map((part) => {
      end += part.length;
      return end;
    });
  }

  #options(options: readonly PcapngOption[]): Buffer {
    if (options.length === 0) return Buffer.alloc(0);
    const parts = options.map(({ code, value }) => {
      const head = Buffer.alloc(4);
      putU16(head, 0, code, this.#le);
      putU16(head, 2, value.length, this.#le);
      return Buffer.concat([head, padded(value)]);
    });
    return Buffer.concat([...parts, Buffer.alloc(4)]);
  }

  #u32(buffer: Buffer, at: number, value: number): void {
    putU32(buffer, at, value, this.#le);
  }
}

export function comment(text: string): PcapngOption {
  return { code: 1, value: Buffer.from(text) };
}

export function padded(data: Uint8Array): Buffer {
  return Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}

function putU32(buffer: Buffer, at: number, value: number, littleEndian: boolean): void {
  if (littleEndian) buffer.writeUInt32LE(value, at);
  else buffer.writeUInt32BE(value, at);
}

function putU16(buffer: Buffer, at: number, value: number, littleEndian: boolean): void {
  if (littleEndian) buffer.writeUInt16LE(value, at);
  else buffer.writeUInt16BE(value, at);
}
