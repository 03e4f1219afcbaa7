import { PROTECTION_CLASSES, PROVISIONAL_CLASSES, Protection } from './packet-class.js';

/*
 * Theory of operation. What a fragment carries is known when its datagram is whole, and by then it may be in an interval
 * of the past, perhaps counted by another thread. So three amounts are kept for each interval and class:
 *
 *   sure       packets that are no fragments, in the class they have
 *   waiting    fragments as they came, in the class their IP header names; the datagram takes them away again where it
 *              became whole, which leaves a debt there if they came in other intervals
 *   datagrams  the same bytes where the datagram became whole, in the class it has
 *
 * All three are sums, which pieces add up in any order. Their total in an interval is what was sent in it. At the end
 * debts are paid from the nearest interval in which fragments wait, and bytes of datagrams go there in exchange: totals of
 * intervals and of classes stay as they are, and nothing is below zero.
 */
const CLASSES = PROTECTION_CLASSES.length;

/** Places of the three amounts in an interval's cell; each has a number for each protection class. */
export const Amount = { sure: 0, waiting: CLASSES, datagrams: 2 * CLASSES } as const;

/** Numbers in the cell of an interval. */
export const CELL_STRIDE = 3 * CLASSES;

const { clear, ah, esp, ahEsp, ike, notIp } = Protection;
/** Index is a provisional class: what its datagrams turn out to be, likeliest first. */
const LIKELY_CLASSES: readonly (readonly number[])[] = [
  [clear, ike, esp, ahEsp, ah, notIp],
  [ahEsp, ah, esp, clear, ike, notIp],
  [esp, ahEsp, ah, clear, ike, notIp],
];

/**
 * @param cells `count` intervals, `CELL_STRIDE` numbers each; left as they are
 * @returns bytes of interval i and class k at `i * PROTECTION_CLASSES.length + k`, none below zero
 */
export function settleCells(cells: Float64Array, count: number): Float64Array {
  const left = cells.slice(0, count * CELL_STRIDE);
  const settled = new Float64Array(count * CLASSES);
  for (const kind of PROVISIONAL_CLASSES) payDebts(left, settled, count, kind, kind);
  for (const debtor of PROVISIONAL_CLASSES) {
    for (const giver of PROVISIONAL_CLASSES) payDebts(left, settled, count, debtor, giver);
  }
  for (let i = 0; i < count; i++) {
    const at = i * CELL_STRIDE;
    for (let kind = 0; kind < CLASSES; kind++) {
      settled[i * CLASSES + kind]! +=
        left[at + Amount.sure + kind]! +
        left[at + Amount.waiting + kind]! +
        left[at + Amount.datagrams + kind]!;
    }
  }
  return settled;
}

/** Pays what `debtor` owes in each interval from what waits in `giver`, in the nearest intervals first. */
function payDebts(
  left: Float64Array,
  settled: Float64Array,
  count: number,
  debtor: number,
  giver: number,
): void {
  for (let to = 0; to < count; to++) {
    const debt = to * CELL_STRIDE + Amount.waiting + debtor;
    for (let distance = 0; left[debt]! < 0 && distance < count; distance++) {
      for (const from of distance === 0 ? [to] : [to - distance, to + distance]) {
        if (from < 0 || from >= count) continue;
        const gift = from * CELL_STRIDE + Amount.waiting + giver;
        const bytes = Math.min(-left[debt]!, Math.max(0, left[gift]!));
        left[debt]! += bytes;
        left[gift]! -= bytes;
        const datagrams = left.subarray(to * CELL_STRIDE + Amount.datagrams, (to + 1) * CELL_STRIDE);
        moveBytes(datagrams, settled.subarray(from * CLASSES), bytes, LIKELY_CLASSES[debtor]!);
      }
    }
  }
}

/** Moves bytes of datagrams to another interval, classes in the order given. */
function moveBytes(from: Float64Array, to: Float64Array, bytes: number, classes: readonly number[]): void {
  let open = bytes;
  for (const kind of classes) {
    const part = Math.min(open, from[kind]!);
    from[kind]! -= part;
    to[kind]! += part;
    open -= part;
  }
}
