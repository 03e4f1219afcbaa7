/**
 * What happens next in a simulation whose events come in few ordered streams ("lanes"): only the first event of each has to be
 * compared with the others. A tournament tree of lanes finds the earliest at once and is repaired in log2(lanes) steps; a heap
 * of all events would cost more and allocate. Events at the same time happen in the order of their lanes.
 */
export class EventLanes {
  readonly #leaves: number;
  readonly #timeNs: Float64Array;
  /** `[1]` is the earliest lane of all; children of `[n]` are `[2n]` and `[2n + 1]`. */
  readonly #winner: Int32Array;

  constructor(lanes: number) {
    let leaves = 2;
    while (leaves < lanes) leaves *= 2;
    this.#leaves = leaves;
    this.#timeNs = new Float64Array(leaves).fill(Number.POSITIVE_INFINITY);
    this.#winner = new Int32Array(2 * leaves);
    for (let lane = 0; lane < leaves; lane++) this.#winner[leaves + lane] = lane;
    for (let node = leaves - 1; node > 0; node--) this.#winner[node] = this.#winner[2 * node]!;
  }

  /** Lane of the earliest event. */
  first(): number {
    return this.#winner[1]!;
  }

  /** Time of a lane's next event; Infinity if it has none. */
  timeOf(lane: number): number {
    return this.#timeNs[lane]!;
  }

  set(lane: number, timeNs: number): void {
    const times = this.#timeNs;
    if (times[lane] === timeNs) return;
    times[lane] = timeNs;
    const winner = this.#winner;
    for (let node = (lane + this.#leaves) >> 1; node > 0; node >>= 1) {
      const left = winner[2 * node]!;
      const right = winner[2 * node + 1]!;
      const best = times[left]! <= times[right]! ? left : right;
      // Nothing changes further up if another lane was and stays the earliest here
      if (best === winner[node] && best !== lane) return;
      winner[node] = best;
    }
  }

  /** Brings an event forward; a later one is ignored. */
  setEarlier(lane: number, timeNs: number): void {
    if (timeNs < this.#timeNs[lane]!) this.set(lane, timeNs);
  }
}
