import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import type { Registry } from 'prom-client';
import type { LiveSnapshot } from '../monitor/live-snapshot.js';
import { CliError, ExitCode } from './exit-code.js';
import type { SnapshotMetrics } from './metric-families.js';

const LOOPBACK = '127.0.0.1';
const MAX_CONNECTIONS = 16;
const PATIENCE_MS = 5000;

/** Where metrics are served. */
export interface MetricsAddress {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

/** Serves the last snapshot to Prometheus, at `/metrics` alone. */
export interface MetricsServer {
  /** What to scrape. */
  readonly url: string;
  /** Whether others than this machine may read it. */
  readonly isPublic: boolean;
  update(snapshot: LiveSnapshot): void;
  /** Ends at once, whoever is connected. */
  close(): Promise<void>;
}

/**
 * For `--metrics`: `9464`, `:9464`, `127.0.0.1:9464`, `[::1]:9464`. Without an address this machine alone may read.
 * @throws InvalidArgumentError
 */
export function parseMetricsAddress(text: string): MetricsAddress {
  const match = /^(?:(?<bare>\[[^\]]*\]|[^:[\]]*):)?(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port']);
  const given = (match?.groups?.['bare'] ?? '').replace(/^\[|\]$/g, '');
  const address = given === '' ? LOOPBACK : given === 'localhost' ? LOOPBACK : given;
  if (match === null || port > 65_535 || isIP(address) === 0) {
    throw new InvalidArgumentError('give PORT or ADDRESS:PORT, such as 9464, 0.0.0.0:9464 or [::1]:9464.');
  }
  return { address, port };
}

/**
 * Begins to listen. Until the first snapshot there is nothing but the process' own figures.
 * @param port 0: any that is free
 * @throws CliError (environment) if that address and port cannot be had
 */
export async function startMetrics(address: string, port: number): Promise<MetricsServer> {
  const prometheus = await import('prom-client');
  const families = await import('./metric-families.js');
  const registry = new prometheus.Registry();
  addProcessMetrics(prometheus, registry);
  let metrics: SnapshotMetrics | null = null;
  const server = createServer((request, response) => {
    answer(registry, request, response).catch(() => response.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = PATIENCE_MS;
  server.requestTimeout = PATIENCE_MS;
  await listen(server, address, port);
  // What goes wrong with one connection must not end the capture.
  server.on('error', () => {});
  const bound = server.address() as AddressInfo;
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${host}:${bound.port}/metrics`,
    isPublic: !isLoopback(bound.address),
    update(snapshot) {
      metrics ??= new families.SnapshotMetrics(registry);
      metrics.update(snapshot);
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => fail(cannotListen(error, address, port)));
    server.listen({ host: address, port }, done);
  });
}

function cannotListen(error: NodeJS.ErrnoException, address: string, port: number): CliError {
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: 'something listens there already; give another port, or 0 for any that is free',
    EADDRNOTAVAIL: 'this machine does not have that address; `ip address` lists those it has',
    EACCES: 'ports below 1024 need privileges; give a higher one',
  };
  const why = remedies[error.code ?? ''] ?? error.message;
  return new CliError(ExitCode.environment, `--metrics: cannot listen on ${address} port ${port}: ${why}`, {
    cause: error,
  });
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

async function answer(registry: Registry, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const [path] = (request.url ?? '').split('?');
  if (path !== '/metrics') {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('The metrics are at /metrics\n');
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    return;
  }
  const text = await registry.metrics();
  response.writeHead(200, { 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : text);
}

/** What this process takes, by the names that all programs use. */
function addProcessMetrics({ Counter, Gauge }: typeof import('prom-client'), registry: Registry): void {
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory that this process holds.',
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time that this process has taken.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}
