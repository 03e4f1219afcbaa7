import { SectionType } from './section-type.js';

/**
 * Finds the footer of a section whose length is not known: 0x7e and the section's id. Chunks may split it anywhere.
 * (QEMU migration/savevm.c: save_section_footer)
 */
export class FooterScan {
  isFound = false;
  private readonly footer = new Uint8Array(5);
  private matched = 0;

  begin(sectionId: number): void {
    this.footer[0] = SectionType.footer;
    this.footer[1] = sectionId >>> 24;
    this.footer[2] = sectionId >>> 16;
    this.footer[3] = sectionId >>> 8;
    this.footer[4] = sectionId;
    this.resume();
  }

  /** Goes on looking for the same footer. */
  resume(): void {
    this.matched = 0;
    this.isFound = false;
  }

  /** @returns the index behind the footer if it was found, else `to` */
  read(data: Uint8Array, from: number, to: number): number {
    const { footer } = this;
    let at = from;
    while (at < to) {
      if (this.matched === 0) {
        const index = data.indexOf(SectionType.footer, at);
        if (index < 0 || index >= to) return to;
        at = index;
      }
      if (data[at] === footer[this.matched]) this.matched += 1;
      else this.matched = data[at] === SectionType.footer ? 1 : 0;
      at += 1;
      if (this.matched === footer.length) {
        this.isFound = true;
        this.matched = 0;
        return at;
      }
    }
    return to;
  }
}
