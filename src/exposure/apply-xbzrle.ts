/*
 * XBZRLE: from the page's beginning, alternately the length of a run of bytes that stay, and the length of a run of new bytes with
 * these bytes. Lengths are ULEB128 of at most two bytes. (QEMU migration/xbzrle.c: xbzrle_decode_buffer)
 */

/**
 * Changes a page as the differences say.
 * @param page whole pages only; `page[at .. at + pageBytes)`
 * @returns false if these are no differences of such a page; what was understood is applied then
 */
export function applyXbzrle(page: Uint8Array, at: number, pageBytes: number, coded: Uint8Array): boolean {
  let read = 0;
  let written = 0;
  let isNew = false;
  while (read < coded.length) {
    let length = coded[read++]!;
    if (length >= 0x80) {
      if (read === coded.length || coded[read]! >= 0x80) return false;
      length = (length & 0x7f) | (coded[read++]! << 7);
    }
    // Only the page may begin with new bytes: then a run of none stays.
    if (length === 0 && written > 0) return false;
    if (written + length > pageBytes) return false;
    if (isNew) {
      if (read + length > coded.length) return false;
      page.set(coded.subarray(read, read + length), at + written);
      read += length;
    }
    written += length;
    isNew = !isNew;
  }
  return !isNew;
}
