/** A text to be looked for. It does not show itself: not in messages, not in JSON, not to `console.log`. */
export class PlantedSecret {
  readonly label: string;
  /** Characters. */
  readonly length: number;
  readonly #text: string;
  readonly #needles: readonly Buffer[];

  constructor(label: string, text: string) {
    this.label = label;
    this.length = [...text].length;
    this.#text = text;
    const wide = Buffer.from(text, 'utf16le');
    this.#needles = [Buffer.from(text, 'utf8'), wide];
  }

  /** For those who asked to see it. */
  reveal(): string {
    return this.#text;
  }

  /** As programs keep text: UTF-8, and UTF-16 with the low byte first, as Windows does. */
  get needles(): readonly Buffer[] {
    return this.#needles;
  }

  toJSON(): string {
    return this.label;
  }
}

/** Shorter ones turn up by chance. */
export const MIN_SECRET_BYTES = 6;
export const MAX_SECRET_BYTES = 256;
export const MAX_SECRETS = 1000;

/**
 * One secret a line, as it is: only the line's end does not belong to it. Empty lines are none, and what comes twice is looked for once.
 * @param name of the file, for messages
 * @throws RangeError naming the line, never its content
 */
export function parseSecrets(content: string, name: string): PlantedSecret[] {
  const texts = new Set<string>();
  for (const [i, line] of content.split(/\r?\n/).entries()) {
    if (line === '') continue;
    const bytes = Buffer.byteLength(line);
    if (bytes < MIN_SECRET_BYTES || bytes > MAX_SECRET_BYTES) {
      const limits = `${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES}`;
      throw new RangeError(`${name}:${i + 1}: a secret has ${limits} bytes, this line has ${bytes}`);
    }
    texts.add(line);
  }
  if (texts.size === 0) throw new RangeError(`${name}: holds no secret: write one a line`);
  if (texts.size > MAX_SECRETS) throw new RangeError(`${name}: holds more than ${MAX_SECRETS} secrets`);
  return [...texts].map((text, i) => new PlantedSecret(`secret ${i + 1}`, text));
}
