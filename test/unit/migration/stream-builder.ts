/*
 * Streams as QEMU writes them, from what they are to say. Written from QEMU's documentation and source, not from the decoder.
 */

export interface BuiltPage {
  readonly block: string;
  readonly offset: number;
  readonly kind: 'normal' | 'zero' | 'xbzrle' | 'compressed';
  /** Of XBZRLE and compressed content. */
  readonly bytes?: number;
}

export interface BuiltDevice {
  readonly name: string;
  readonly instance: number;
  readonly state: Buffer;
}

const PAGE_BYTES = 4096;
const RAM_ID = 2;

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function u64(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

/** Magic, version, configuration. */
export function fileHeader(machine = 'pc-q35-9.9', subsections: readonly Buffer[] = []): Buffer {
  const name = Buffer.from(machine);
  return Buffer.concat([
    Buffer.from('QEVM'),
    u32(3),
    Buffer.from([7]),
    u32(name.length),
    name,
    ...subsections,
  ]);
}

export function subsection(name: string, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([5]), text(name), u32(1), content]);
}

export function footer(id: number): Buffer {
  return Buffer.concat([Buffer.from([0x7e]), u32(id)]);
}

export const EOS = u64(0x10);

/** START ram: the list of blocks. `extra` comes behind each block's size. */
export function ramStart(
  blocks: Readonly<Record<string, number | bigint>>,
  extra: readonly Buffer[] = [],
  flags: readonly Buffer[] = [],
): Buffer {
  const total = Object.values(blocks).reduce<bigint>((sum, bytes) => sum + BigInt(bytes), 0n);
  const list = Object.entries(blocks).flatMap(([name, bytes]) => [text(name), u64(bytes), ...extra]);
  const header = Buffer.concat([Buffer.from([1]), u32(RAM_ID), text('ram'), u32(0), u32(4)]);
  return Buffer.concat([header, u64(total | 4n), ...list, ...flags, EOS, footer(RAM_ID)]);
}

/** Content of a page by its offset, so that pages differ. */
export function pageContent(offset: number): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  for (let i = 0; i < PAGE_BYTES; i += 4) page.writeUInt32LE((offset / PAGE_BYTES + i * 0x9e37) >>> 0, i);
  return page;
}

/** Pages as the main connection has them; the block is named where it changes. */
export function pages(list: readonly BuiltPage[], before = ''): Buffer {
  let last = before;
  const parts: Buffer[] = [];
  for (const { block, offset, kind, bytes = 0 } of list) {
    const flag = { normal: 0x08, zero: 0x02, xbzrle: 0x40, compressed: 0x100 }[kind];
    parts.push(u64(BigInt(offset) | BigInt(flag) | (block === last ? 0x20n : 0n)));
    if (block !== last) parts.push(text(block));
    last = block;
    if (kind === 'normal') parts.push(pageContent(offset));
    else if (kind === 'zero') parts.push(Buffer.from([0]));
    else if (kind === 'xbzrle') parts.push(Buffer.from([1]), u16(bytes), Buffer.alloc(bytes, 0x5a));
    else parts.push(u32(bytes), Buffer.alloc(bytes, 0xa5));
  }
  return Buffer.concat(parts);
}

export function ramSection(type: 'part' | 'end', content: Buffer, id = RAM_ID): Buffer {
  return Buffer.concat([Buffer.from([type === 'part' ? 2 : 3]), u32(id), content, EOS, footer(id)]);
}

export function deviceSection({ name, instance, state }: BuiltDevice, id: number): Buffer {
  return Buffer.concat([Buffer.from([4]), u32(id), text(name), u32(instance), u32(1), state, footer(id)]);
}

/** EOF and the description that tells the devices' sizes. */
export function streamEnd(devices: readonly BuiltDevice[]): Buffer {
  const json = Buffer.from(
    JSON.stringify({
      page_size: PAGE_BYTES,
      devices: devices.map(({ name, instance, state }) => ({
        name,
        instance_id: instance,
        vmsd_name: name,
        version: 1,
        fields: [{ name: 'state', type: 'buffer', size: state.length }],
      })),
    }),
  );
  return Buffer.concat([Buffer.from([0, 6]), u32(json.length), json]);
}

/** A whole migration: setup, PART sections, END section, devices. */
export function buildStream(
  blocks: Readonly<Record<string, number>>,
  parts: readonly (readonly BuiltPage[])[],
  end: readonly BuiltPage[],
  devices: readonly BuiltDevice[],
): Buffer {
  let last = '';
  const sections = parts.map((list) => {
    const section = ramSection('part', pages(list, last));
    last = list.at(-1)?.block ?? last;
    return section;
  });
  return Buffer.concat([
    fileHeader(),
    ramStart(blocks),
    ...sections,
    ramSection('end', pages(end, last)),
    ...devices.map((device, i) => deviceSection(device, i + 3)),
    streamEnd(devices),
  ]);
}

export interface BuiltPacket {
  readonly number: number;
  readonly block?: string;
  readonly normal?: readonly number[];
  readonly zero?: readonly number[];
  readonly flags?: number;
  /** Bytes behind the header; 4096 for each normal page if not given. */
  readonly content?: number;
}

export function multifdInitial(id: number): Buffer {
  return Buffer.concat([u32(0x11223344), u32(1), Buffer.alloc(16), Buffer.from([id]), Buffer.alloc(39)]);
}

export function multifdPacket(packet: BuiltPacket, alloc = 128): Buffer {
  const { number, block = '', normal = [], zero = [], flags = 0 } = packet;
  const content = packet.content ?? normal.length * PAGE_BYTES;
  const name = Buffer.alloc(256);
  name.write(block, 'latin1');
  const offsets = [...normal, ...zero];
  return Buffer.concat([
    u32(0x11223344),
    u32(1),
    u32(flags),
    u32(alloc),
    u32(normal.length),
    u32(content),
    u64(number),
    u32(zero.length),
    Buffer.alloc(28),
    name,
    ...Array.from({ length: alloc }, (_, i) => u64(offsets[i] ?? 0)),
    Buffer.alloc(normal.length > 0 ? content : 0, 0x33),
  ]);
}
