/** Memory that streams share for what waits. */
export class ReassemblyBudget {
  private freeBytes: number;

  constructor(bytes: number) {
    this.freeBytes = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.freeBytes) return false;
    this.freeBytes -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.freeBytes += bytes;
  }
}
