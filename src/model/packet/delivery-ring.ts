import { widened } from './packet-ring.js';

const FIRST_CAPACITY = 256;

/** What the destination's process pays for the bytes of a connection: a queue of writes with a price for each byte. */
export class DeliveryRing {
  #mask = FIRST_CAPACITY - 1;
  #first = 0;
  #next = 0;
  #endByte = new Float64Array(FIRST_CAPACITY);
  #nsPerByte = new Float64Array(FIRST_CAPACITY);
  #writtenByte = 0;
  #readByte = 0;

  /** Bytes are written; the process will need so long for all of them together. */
  add(bytes: number, processNs: number): void {
    this.#writtenByte += bytes;
    const nsPerByte = processNs / bytes;
    const last = (this.#next - 1) & this.#mask;
    if (this.#next > this.#first && this.#nsPerByte[last] === nsPerByte) {
      this.#endByte[last] = this.#writtenByte;
      return;
    }
    if (this.#next - this.#first > this.#mask) this.#grow();
    this.#endByte[this.#next & this.#mask] = this.#writtenByte;
    this.#nsPerByte[this.#next & this.#mask] = nsPerByte;
    this.#next++;
  }

  /** The process takes the next bytes. @returns how long they keep it busy */
  take(bytes: number): number {
    const end = this.#readByte + bytes;
    let processNs = 0;
    while (this.#readByte < end) {
      const slot = this.#first & this.#mask;
      const upTo = Math.min(end, this.#endByte[slot]!);
      processNs += (upTo - this.#readByte) * this.#nsPerByte[slot]!;
      this.#readByte = upTo;
      if (upTo === this.#endByte[slot] && this.#first + 1 < this.#next) this.#first++;
      else if (upTo < end && this.#first + 1 >= this.#next) throw new Error('read beyond what was written');
    }
    return processNs;
  }

  #grow(): void {
    this.#endByte = widened(this.#endByte, this.#first, this.#next);
    this.#nsPerByte = widened(this.#nsPerByte, this.#first, this.#next);
    this.#mask = this.#endByte.length - 1;
  }
}
