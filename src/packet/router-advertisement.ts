/*
 *  0                4           5                  6             8                 16       (RFC 4861 section 4.2)
 *  | ICMPv6 header  | hop limit | flags, preference | lifetime   | ND timers       | options: type, length / 8, value
 *
 *  Prefix information (section 4.6.2):  2 length of the prefix  3 flags  4 lifetimes  16 prefix
 *  Recursive name servers (RFC 8106):   4 lifetime  8 addresses
 */
const ROUTER_ADVERTISEMENT = 134;
const LIFETIME_AT = 6;
const OPTIONS_AT = 16;
const ADDRESS_BYTES = 16;
const OptionType = { prefix: 3, nameServers: 25 } as const;
const PREFIX_AT = 16;
const PREFIX_BYTES = 32;
const NAME_SERVERS_AT = 8;

/** A prefix that hosts make addresses of, or reach without a router. */
export interface AdvertisedPrefix {
  /** 16 bytes. */
  address: Uint8Array;
  length: number;
}

/** What a router tells hosts. */
export interface RouterAdvertisement {
  /** For how long it is a router to send to; 0: not any more. */
  lifetimeSeconds: number;
  prefixes: AdvertisedPrefix[];
  /** Any number of addresses of 16 bytes. */
  nameServers: Uint8Array[];
}

/**
 * Reads the ICMPv6 message at `icmp` whose last captured byte is before `end`. For rare rows: it allocates.
 * @returns null if it is no router advertisement, or cut off before its options
 */
export function readRouterAdvertisement(
  data: Uint8Array,
  icmp: number,
  end: number,
): RouterAdvertisement | null {
  if (data[icmp] !== ROUTER_ADVERTISEMENT || icmp + OPTIONS_AT > end) return null;
  const lifetimeSeconds = (data[icmp + LIFETIME_AT]! << 8) | data[icmp + LIFETIME_AT + 1]!;
  const message: RouterAdvertisement = { lifetimeSeconds, prefixes: [], nameServers: [] };
  let at = icmp + OPTIONS_AT;
  while (at + 2 <= end) {
    const bytes = data[at + 1]! * 8;
    if (bytes === 0 || at + bytes > end) break;
    readOption(message, data.subarray(at, at + bytes));
    at += bytes;
  }
  return message;
}

function readOption({ prefixes, nameServers }: RouterAdvertisement, option: Uint8Array): void {
  if (option[0] === OptionType.prefix && option.length === PREFIX_BYTES)
    prefixes.push({ address: option.slice(PREFIX_AT, PREFIX_BYTES), length: option[2]! });
  if (option[0] !== OptionType.nameServers) return;
  for (let at = NAME_SERVERS_AT; at + ADDRESS_BYTES <= option.length; at += ADDRESS_BYTES)
    nameServers.push(option.slice(at, at + ADDRESS_BYTES));
}
