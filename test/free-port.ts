import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const LEAST = 10_000;

/**
 * A port that nobody listens on. It is none of those that the kernel hands out, to connections among others, while whoever is to
 * listen on it is being started.
 */
export async function freePort(address: string): Promise<number> {
  const handedOut = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  const end = Math.max(Number.parseInt(handedOut, 10), 2 * LEAST);
  for (;;) {
    const port = randomInt(LEAST, end);
    if (await isFree(port, address)) return port;
  }
}

/** @throws Error if nobody could listen on this address */
async function isFree(port: number, address: string): Promise<boolean> {
  const server = createServer().listen(port, address);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
