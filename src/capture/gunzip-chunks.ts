import { createGunzip, type Gunzip } from 'node:zlib';

/** Bounds what is lost in front of damaged data: zlib gives out whole chunks only. */
const OUTPUT_CHUNK_BYTES = 64 * 1024;

/**
 * Decompresses a gzip stream of one or several members.
 *
 * The decompressor is driven by hand, one piece at a time and drained after each: a pipeline throws what it has buffered
 * away when the input ends early, which is what captures that were not closed do.
 *
 * @param onInput told the size of each compressed piece as it is taken
 * @throws Error of zlib, once everything that could be decompressed has been given out
 */
export async function* gunzipChunks(
  compressed: AsyncIterable<Uint8Array>,
  onInput: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const drive = new GunzipDrive();
  try {
    for await (const piece of compressed) {
      onInput(piece.length);
      yield* drive.run((done) => drive.gunzip.write(piece, done));
    }
    // zlib calls `end` back before it has looked whether the data are complete.
    yield* drive.run((done) => drive.gunzip.once('end', () => done()).end());
  } finally {
    drive.gunzip.destroy();
  }
}

class GunzipDrive {
  readonly gunzip: Gunzip = createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES });
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor() {
    this.gunzip.on('readable', () => this.#wake());
    this.gunzip.on('error', (failure) => {
      this.#failure = failure;
      this.#wake();
    });
  }

  /** Starts a step and gives out what it decompresses, until the step calls back. */
  async *run(
    step: (done: (failure?: Error | null) => void) => void,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let isDone = false;
    step((failure) => {
      this.#failure ??= failure ?? null;
      isDone = true;
      this.#wake();
    });
    for (;;) {
      for (let chunk = this.gunzip.read(); chunk !== null; chunk = this.gunzip.read()) yield chunk;
      if (isDone || this.#failure !== null) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== null) throw describeFailure(this.#failure);
  }
}

function describeFailure(failure: Error): Error {
  const code = 'code' in failure ? failure.code : undefined;
  if (code === 'Z_BUF_ERROR')
    return new Error('the gzip data end early: the file was cut off', { cause: failure });
  return new Error(`the gzip data are damaged (${failure.message})`, { cause: failure });
}
