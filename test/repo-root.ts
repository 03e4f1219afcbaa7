import { fileURLToPath } from 'node:url';

/** The repository's root; compiled tests lie in dist/test/. */
const REPO_ROOT = new URL('../../', import.meta.url);

/** @returns absolute path of a file given relative to the repository's root, e.g. `captures/ipsec/t4-gcm16.pcap` */
export function repoPath(relative: string): string {
  return fileURLToPath(new URL(relative, REPO_ROOT));
}
