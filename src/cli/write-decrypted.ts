import type { SecurityAssociation } from '../ipsec/security-association.js';
import { CliError, ExitCode } from './exit-code.js';

export interface WriteDecryptedRequest {
  /** Captures to read; `-` is stdin. */
  readonly paths: readonly string[];
  readonly associations: readonly SecurityAssociation[];
  /** pcapng file to write, mode 0600. */
  readonly output: string;
}

/** Writes the packets of the captures with ESP opened. */
export async function writeDecrypted(_request: WriteDecryptedRequest): Promise<void> {
  throw new CliError(
    ExitCode.environment,
    '--write-decrypted: this build cannot write decrypted captures yet',
  );
}
