import { InvalidArgumentError } from 'commander';

/** Packet numbers from `first` to `last`, both included, as Wireshark counts. */
export interface PacketRange {
  readonly first: number;
  /** Infinity: to the end. */
  readonly last: number;
}

export const ALL_PACKETS: PacketRange = { first: 1, last: Number.POSITIVE_INFINITY };

/**
 * `100-200`, `100-` (to the end), `-200` (from the beginning) or `7`.
 * @throws InvalidArgumentError
 */
export function parsePacketRange(text: string): PacketRange {
  const [, first, dash, last] = /^(\d{0,15})(-?)(\d{0,15})$/.exec(text) ?? [];
  if (first === undefined || (first === '' && last === '')) {
    throw new InvalidArgumentError('give packet numbers such as 100-200, 100- or 7.');
  }
  const from = first === '' ? 1 : Number(first);
  const to = dash === '' ? from : last === '' ? Number.POSITIVE_INFINITY : Number(last);
  if (from < 1) throw new InvalidArgumentError('the first packet has number 1.');
  if (to < from) throw new InvalidArgumentError(`it ends (${to}) before it begins (${from}).`);
  return { first: from, last: to };
}
