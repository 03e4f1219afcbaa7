/*
 *  0    1       4     8          12       16       20       24       28        44      236       240     (RFC 2131 section 2)
 *  | op | htype | xid | secs ... | ciaddr | yiaddr | siaddr | giaddr | chaddr  | names | cookie  | options: code, length, value
 */
const COOKIE_AT = 236;
const OPTIONS_AT = 240;
const COOKIE = [0x63, 0x82, 0x53, 0x63];
const BOOT_REPLY = 2;
const PAD = 0;
const END = 255;

/** Options (RFC 2132) that are looked at. */
const DhcpOption = {
  subnetMask: 1,
  router: 3,
  domainNameServer: 6,
  messageType: 53,
  serverIdentifier: 54,
} as const;

export const DhcpType = { offer: 2, acknowledgement: 5 } as const;

/** What a DHCP server answers. Addresses are bytes in network order. */
export interface DhcpReply {
  /** A `DhcpType`, or another message type. */
  type: number;
  transaction: number;
  /** Through a relay agent. */
  isRelayed: boolean;
  /** The client's MAC address: 6 bytes. */
  client: Uint8Array;
  /** Address given. */
  offered: Uint8Array;
  server: Uint8Array;
  mask: Uint8Array;
  /** Any number of addresses of 4 bytes. */
  routers: Uint8Array;
  nameServers: Uint8Array;
}

/**
 * Reads a BOOTP message from its first byte at `at`. For rare rows: it allocates.
 * @returns null if it is no DHCP server's answer, or cut off before its options
 */
export function readDhcpReply(data: Uint8Array, at: number, end: number): DhcpReply | null {
  if (at + OPTIONS_AT > end || data[at] !== BOOT_REPLY) return null;
  if (COOKIE.some((byte, i) => data[at + COOKIE_AT + i] !== byte)) return null;
  const options = readOptions(data, at + OPTIONS_AT, end);
  const type = options.get(DhcpOption.messageType)?.[0];
  const server = options.get(DhcpOption.serverIdentifier);
  if (type === undefined || server?.length !== 4) return null;
  return {
    type,
    transaction: ((data[at + 4]! << 24) | (data[at + 5]! << 16) | (data[at + 6]! << 8) | data[at + 7]!) >>> 0,
    isRelayed: data.subarray(at + 24, at + 28).some((byte) => byte !== 0),
    client: data.slice(at + 28, at + 34),
    offered: data.slice(at + 16, at + 20),
    server,
    mask: options.get(DhcpOption.subnetMask) ?? new Uint8Array(0),
    routers: options.get(DhcpOption.router) ?? new Uint8Array(0),
    nameServers: options.get(DhcpOption.domainNameServer) ?? new Uint8Array(0),
  };
}

/** Options up to the end mark or to the first that does not fit; of one that comes twice the first. */
function readOptions(data: Uint8Array, from: number, end: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  let at = from;
  while (at < end && data[at] !== END) {
    if (data[at] === PAD) {
      at += 1;
      continue;
    }
    const length = at + 1 < end ? data[at + 1]! : 0;
    if (at + 2 + length > end) break;
    if (!options.has(data[at]!)) options.set(data[at]!, data.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return options;
}
