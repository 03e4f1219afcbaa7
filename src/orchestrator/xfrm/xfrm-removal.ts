/**
 * ip(8) ends at the first policy or state that is not there to be deleted, `-force` or not: what stands behind it in the same batch would
 * stay. So each line gets an ip of its own.
 */
const REMOVE_EACH = 'while IFS= read -r line; do printf "%s\\n" "$line" | ip -batch -; done';

/** A program for a host that removes what the lines of an `XfrmChannel` name, as far as it is there. */
export function xfrmRemoval(lines: string): {
  readonly program: string;
  readonly args: readonly string[];
  readonly input: string;
} {
  return { program: 'sh', args: ['-c', REMOVE_EACH], input: lines };
}
