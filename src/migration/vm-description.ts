/** A device's state in the stream. */
export interface DeviceState {
  name: string;
  instance: number;
  /** Without section header and footer. */
  bytes: number;
}

/** Longest description that is parsed; real ones have some 100 KB. */
const MAX_DESCRIPTION_BYTES = 4 << 20;
const MAX_DEPTH = 64;

/** Collects a description as it comes. */
export class DescriptionReader {
  /** What it says; null if it was not captured whole, is too long or none. */
  devices: DeviceState[] | null = null;
  private parts: Uint8Array[] | null = null;
  private left = 0;

  get isDone(): boolean {
    return this.left <= 0;
  }

  begin(bytes: number): void {
    this.parts = bytes <= MAX_DESCRIPTION_BYTES ? [] : null;
    this.left = bytes;
    this.devices = null;
  }

  /** @returns how many bytes it took */
  read(data: Uint8Array, from: number, to: number): number {
    const count = Math.min(to - from, this.left);
    this.parts?.push(data.slice(from, from + count));
    this.left -= count;
    if (this.isDone && this.parts !== null) this.devices = parseDescription(Buffer.concat(this.parts));
    if (this.isDone) this.parts = null;
    return count;
  }

  /** Leaves bytes out that were not captured, maybe more than it has. */
  skip(bytes: number): void {
    this.parts = null;
    this.left -= bytes;
  }
}

/**
 * Sizes of the devices' state as QEMU's own description at the end of the stream tells them: what fields and subsections
 * add up to. A subsection costs 6 bytes and its name. (QEMU migration/vmstate.c: vmsd_desc_field_start, vmstate_subsection_save)
 * @returns null if the text is not such a description
 */
export function parseDescription(json: Uint8Array): DeviceState[] | null {
  try {
    const text: unknown = JSON.parse(Buffer.from(json).toString('utf8'));
    const devices = propertyOf(text, 'devices');
    if (!Array.isArray(devices)) return null;
    return devices.map((device: unknown) => ({
      name: String(propertyOf(device, 'name')),
      instance: numberOf(device, 'instance_id'),
      bytes: sizeOf(device, 0),
    }));
  } catch {
    return null;
  }
}

function sizeOf(state: unknown, depth: number): number {
  if (depth > MAX_DEPTH) return 0;
  let bytes = 0;
  const fields = propertyOf(state, 'fields');
  if (Array.isArray(fields)) {
    for (const field of fields) {
      const count = propertyOf(field, 'array_len');
      bytes += numberOf(field, 'size') * (typeof count === 'number' ? count : 1);
    }
  }
  const subsections = propertyOf(state, 'subsections');
  if (Array.isArray(subsections)) {
    for (const subsection of subsections) {
      bytes += 6 + String(propertyOf(subsection, 'vmsd_name')).length + sizeOf(subsection, depth + 1);
    }
  }
  return bytes;
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function numberOf(value: unknown, name: string): number {
  const number = propertyOf(value, name);
  return typeof number === 'number' && Number.isFinite(number) ? number : 0;
}
