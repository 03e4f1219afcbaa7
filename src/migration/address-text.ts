/** Text of an IPv4 address: dotted. */
export function ipv4Text(data: Uint8Array, at: number): string {
  return data.subarray(at, at + 4).join('.');
}

/** Text of an IPv6 address as RFC 5952 writes it: the form in which the platform writes host names of URLs. */
export function ipv6Text(data: Uint8Array, at: number): string {
  const groups: string[] = [];
  for (let i = at; i < at + 16; i += 2) groups.push(((data[i]! << 8) | data[i + 1]!).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
