/*
 *  0      1             4                                               (RFC 8415 section 8)
 *  | type | transaction | options: code (2 bytes), length (2 bytes), value
 */
const OPTIONS_AT = 4;
const OPTION_HEADER_BYTES = 4;
const ADVERTISE = 2;
const REPLY = 7;

/** Options (RFC 8415 section 21, RFC 3646) that are looked at. */
const Dhcpv6Option = { clientIdentifier: 1, serverIdentifier: 2, domainNameServer: 23 } as const;

/** What a DHCPv6 server answers. */
export interface Dhcpv6Reply {
  transaction: number;
  /** Identifiers that client and server made up (DUID). */
  client: Uint8Array;
  server: Uint8Array;
  /** Any number of addresses of 16 bytes. */
  nameServers: Uint8Array;
}

/**
 * Reads the DHCPv6 message from `at` to `end`. For rare rows: it allocates.
 * @returns null if it is no advertisement or reply of a server that names itself and the client
 */
export function readDhcpv6Reply(data: Uint8Array, at: number, end: number): Dhcpv6Reply | null {
  if (at + OPTIONS_AT > end || (data[at] !== ADVERTISE && data[at] !== REPLY)) return null;
  const options = readOptions(data, at + OPTIONS_AT, end);
  const client = options.get(Dhcpv6Option.clientIdentifier);
  const server = options.get(Dhcpv6Option.serverIdentifier);
  if (client === undefined || server === undefined) return null;
  return {
    transaction: (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!,
    client,
    server,
    nameServers: options.get(Dhcpv6Option.domainNameServer) ?? new Uint8Array(0),
  };
}

/** Options up to the first that does not fit; of one that comes twice the first. */
function readOptions(data: Uint8Array, from: number, end: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  let at = from;
  while (at + OPTION_HEADER_BYTES <= end) {
    const code = (data[at]! << 8) | data[at + 1]!;
    const length = (data[at + 2]! << 8) | data[at + 3]!;
    const value = at + OPTION_HEADER_BYTES;
    if (value + length > end) break;
    if (!options.has(code)) options.set(code, data.slice(value, value + length));
    at = value + length;
  }
  return options;
}
