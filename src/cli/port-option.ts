import { InvalidArgumentError } from 'commander';

/** TCP ports of an option that may be given several times. */
export function collectPort(text: string, previous: number[] | undefined): number[] {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('give a TCP port, 1 to 65535.');
  }
  return [...(previous ?? []), port];
}
