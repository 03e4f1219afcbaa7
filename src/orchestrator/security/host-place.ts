/** Where a host is, as written: `local`, or `ssh://[USER@]HOST[:PORT]`. */
export type HostPlace =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'ssh';
      /** As ssh takes it. */
      readonly destination: string;
      readonly port?: number;
    };

/** @returns null if it is neither */
export function parseHostPlace(text: string): HostPlace | null {
  if (text === 'local') return { kind: 'local' };
  const found = /^ssh:\/\/([^/?#\s]+?)(?::(\d+))?\/?$/.exec(text);
  const [, destination = '', port] = found ?? [];
  if (destination === '' || destination.startsWith('-') || Number(port ?? 1) > 65_535) return null;
  return {
    kind: 'ssh',
    // Brackets keep the colons of an IPv6 address from the port's.
    destination: destination.replace(/\[(.*)\]$/, '$1'),
    ...(port !== undefined && { port: Number(port) }),
  };
}

/** The same place, as far as its writing tells: aliases of ~/.ssh/config are not looked up. */
export function isSamePlace(a: HostPlace, b: HostPlace): boolean {
  if (a.kind === 'local' || b.kind === 'local') return a.kind === b.kind;
  return a.destination === b.destination && (a.port ?? 22) === (b.port ?? 22);
}

export function writeHostPlace(place: HostPlace): string {
  if (place.kind === 'local') return 'local';
  const [, user = '', host = place.destination] = /^(.*@)?(.*)$/.exec(place.destination) ?? [];
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return `ssh://${user}${bracketed}${place.port === undefined ? '' : `:${place.port}`}`;
}
