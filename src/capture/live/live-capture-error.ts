export type LiveCaptureErrorCode =
  /** The addon was not built. */
  'addon' | 'libpcap' | 'permission' | 'noDevice' | 'notUp' | 'filter' | 'other';

/** A capture could not be begun. The message says why and what to do. */
export class LiveCaptureError extends Error {
  override readonly name = 'LiveCaptureError';
  readonly code: LiveCaptureErrorCode;

  constructor(code: LiveCaptureErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
