/*
 * Whether ESP encrypts nothing can be told without any key (RFC 5879): then each packet ends in padding 1, 2, 3..., its length, the number of
 * a protocol, and an ICV. In cipher text these bytes agree by chance in one packet of ten thousand.
 */

/** ICVs of suites that do not encrypt. */
const ICV_BYTES = [12, 16, 20, 24, 32] as const;
/** IPv4, TCP, UDP, IPv6, IPv6 with no next header, ICMP and ICMPv6. */
const PROTOCOLS: ReadonlySet<number> = new Set([4, 6, 17, 41, 59, 1, 58]);
const TRAILER_BYTES = 2;
/** A packet or two prove nothing. */
const LEAST_PACKETS = 8;
const LEAST_SHARE = 0.9;

/** Watches closed ESP for payloads that are not closed at all. */
export class OpenEspTest {
  private packets = 0;
  private readonly matches = new Float64Array(ICV_BYTES.length);

  /** What is behind one packet's ESP header. */
  add(data: Uint8Array, from: number, to: number): void {
    this.packets += 1;
    ICV_BYTES.forEach((icvBytes, i) => {
      if (hasTrailer(data, from, to - icvBytes)) this.matches[i]! += 1;
    });
  }

  /** Bytes of the ICV behind payloads that nobody encrypted; null: they are encrypted, or too few to tell. */
  get icvBytes(): number | null {
    if (this.packets < LEAST_PACKETS) return null;
    const best = this.matches.indexOf(Math.max(...this.matches));
    return this.matches[best]! >= LEAST_SHARE * this.packets ? ICV_BYTES[best]! : null;
  }
}

function hasTrailer(data: Uint8Array, from: number, icv: number): boolean {
  if (icv - TRAILER_BYTES < from || !PROTOCOLS.has(data[icv - 1]!)) return false;
  const padBytes = data[icv - 2]!;
  const padding = icv - TRAILER_BYTES - padBytes;
  if (padding < from) return false;
  for (let i = 0; i < padBytes; i++) if (data[padding + i] !== i + 1) return false;
  return true;
}
