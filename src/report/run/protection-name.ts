/** `aes128-sha256 in AH sha256`; without IPsec `no IPsec`. */
export function protectionName({ esp, ah }: { esp: string | null; ah: string | null }): string {
  if (esp === null && ah === null) return 'no IPsec';
  if (esp === null) return `AH ${ah}`;
  return ah === null ? esp : `${esp} in AH ${ah}`;
}

/** Names that differ in the key's length alone become one: `aes{128,192,256}gcm16`; a few of many are named. */
export function joinSuiteNames(names: readonly string[]): string {
  const families = new Map<string, string[]>();
  for (const name of names) {
    const bits = KEY_BITS.exec(name)?.[2];
    const family = name.replace(KEY_BITS, '$1*');
    families.set(family, [...(families.get(family) ?? []), ...(bits === undefined ? [] : [bits])]);
  }
  const joined = [...families].map(([family, bits]) =>
    family.replace('*', bits.length === 1 ? bits[0]! : `{${bits.join(',')}}`),
  );
  const shown = joined.slice(0, MAX_NAMES).join(', ');
  return joined.length > MAX_NAMES ? `${shown} and ${joined.length - MAX_NAMES} alike` : shown;
}

const MAX_NAMES = 3;
const KEY_BITS = /^(aes|camellia)(\d{3})/;
