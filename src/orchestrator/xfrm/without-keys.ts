/** What `ip` complains of, without what could be a key: it quotes arguments that it does not understand. */
export function withoutKeys(complaint: string): string {
  return complaint
    .replaceAll(/(0x)?[0-9a-f]{16,}/gi, '(key)')
    .trim()
    .split('\n')
    .filter((line) => !/^Command failed /.test(line))
    .join('; ');
}
