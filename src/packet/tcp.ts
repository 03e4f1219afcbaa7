import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { decodeEspInTcp, looksLikeEspInTcp } from './esp-in-tcp.js';
import { Layer } from './layers.js';
import { PacketFlag } from './packet-batch.js';

/*
 *  0             2                  4          8                 12           13      14       16         18
 *  | source port | destination port | sequence | acknowledgement | data offs. | flags | window | checksum | urgent |
 *  (RFC 9293; options behind, data offset in words)
 */
const MIN_HEADER_BYTES = 20;
export const IPPROTO_TCP = 6;
const SYN = 0x02;

/** TCP with its options. */
export function decodeTcp(c: Cursor): number {
  if (!c.has(MIN_HEADER_BYTES, ErrorLayer.tcp)) return Next.stop;
  const { batch, row, data, offset } = c;
  const headerBytes = (data[offset + 12]! >> 4) * 4;
  const there = c.end - offset;
  if (headerBytes < MIN_HEADER_BYTES) return c.lengthError(ErrorLayer.tcp, MIN_HEADER_BYTES, headerBytes);
  if (headerBytes > there) return c.lengthError(ErrorLayer.tcp, headerBytes, there);
  c.flags |= PacketFlag.tcp;
  if ((data[offset + 13]! & SYN) !== 0) c.flags |= PacketFlag.tcpSyn;
  c.take(Layer.transport, headerBytes);
  if (c.offset <= c.limit) {
    batch.transportOffset[row] = offset;
    batch.payloadOffset[row] = c.offset;
  }
  batch.payloadLength[row] = c.end - c.offset;
  if (looksLikeEspInTcp(c, offset)) return decodeEspInTcp(c);
  return c.takeRest(Layer.payload);
}

/** The options that matter to segment sizes. 0 or false: not there. */
export interface TcpOptions {
  /** Maximum segment size (RFC 9293 section 3.7.1). */
  mss: number;
  /** Shift count, -1 if the option is not there (RFC 7323). */
  windowScale: number;
  sackPermitted: boolean;
  timestamps: boolean;
}

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const OPTION_WINDOW_SCALE = 3;
const OPTION_SACK_PERMITTED = 4;
const OPTION_TIMESTAMPS = 8;

/**
 * Reads the options of the TCP header at `offset`, which lies wholly in `data`. A malformed option ends the list, as in
 * Linux (tcp_parse_options).
 */
export function parseTcpOptions(data: Uint8Array, offset: number, options: TcpOptions): void {
  options.mss = 0;
  options.windowScale = -1;
  options.sackPermitted = false;
  options.timestamps = false;
  const end = offset + (data[offset + 12]! >> 4) * 4;
  let i = offset + MIN_HEADER_BYTES;
  while (i < end) {
    const kind = data[i]!;
    if (kind === OPTION_END) return;
    if (kind === OPTION_NOP) {
      i += 1;
      continue;
    }
    const length = i + 1 < end ? data[i + 1]! : 0;
    if (length < 2 || i + length > end) return;
    if (kind === OPTION_MSS && length === 4) options.mss = (data[i + 2]! << 8) | data[i + 3]!;
    else if (kind === OPTION_WINDOW_SCALE && length === 3) options.windowScale = data[i + 2]!;
    else if (kind === OPTION_SACK_PERMITTED && length === 2) options.sackPermitted = true;
    else if (kind === OPTION_TIMESTAMPS && length === 10) options.timestamps = true;
    i += length;
  }
}
