/** The lab lacks something, or one of its machines failed. The message says what to do about it. */
export class LabError extends Error {
  override readonly name = 'LabError';
}
