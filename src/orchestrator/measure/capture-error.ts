/** A capture that could not be made, or not to its end. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
}
