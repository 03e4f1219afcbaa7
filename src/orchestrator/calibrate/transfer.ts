import { once } from 'node:events';
import type { Scenario } from '../../scenario/scenario.js';
import type { RunningProgram } from '../hosts/host.js';
import { HostError } from '../hosts/host-error.js';
import { checkHosts } from '../steps/check-hosts.js';
import { protectChannel } from '../steps/ipsec.js';
import { prepareNetwork } from '../steps/network.js';
import { filled, type RunContext, type RunPlace } from '../steps/run-context.js';
import type { Step } from '../steps/step.js';
import { type CalibrationRunOptions, runCalibrationSteps } from './calibration-run.js';
import {
  parseSendingEnd,
  parseTakingEnd,
  type SendingEnd,
  TRANSFER_SCRIPT,
  type TransferEnd,
} from './transfer-script.js';

/** What a bulk transfer took. */
export interface Transfer {
  readonly seconds: number;
  readonly bytes: number;
  readonly segments: number;
  readonly acknowledgements: number;
  readonly retransmissions: number;
  /** Processor time of the whole host. */
  readonly sourceSeconds: number;
  readonly destinationSeconds: number;
}

/** A machine that is busy with other things may take long to emulate a few seconds. */
const PATIENCE_MS = 300_000;
/** Connecting and closing. */
const OTHER_SEGMENTS = 2;

/**
 * A transfer over one connection, as long as `seconds` at the source, on a network and under a protection as the scenario says.
 * @throws as `runCalibrationSteps`
 */
export async function measureTransfer(
  scenario: Scenario,
  place: RunPlace,
  seconds: number,
  options: CalibrationRunOptions = {},
): Promise<Transfer> {
  let transfer: Transfer | null = null;
  const step: Step<RunContext> = {
    name: 'transfer',
    title: 'a transfer',
    async perform(context, _undo, signal) {
      transfer = await carryOut(context, seconds, signal);
    },
  };
  await runCalibrationSteps(scenario, place, [checkHosts, prepareNetwork, protectChannel, step], options);
  return transfer!;
}

async function carryOut(context: RunContext, seconds: number, signal: AbortSignal): Promise<Transfer> {
  const { hosts, addresses } = context.place;
  const args = (role: 'take' | 'send'): string[] => {
    const port = String(filled(context, 'port'));
    return ['-e', TRANSFER_SCRIPT, role, addresses.destination, port, String(seconds)];
  };
  const taking = await hosts.destination.start('perl', args('take'), { signal });
  context.closers.push(() => taking.kill());
  const said = collect(taking);
  await untilReady(taking, hosts.destination.name);
  const sending = await hosts.source.run('perl', args('send'), { signal, timeoutMs: PATIENCE_MS });
  const { code } = await taking.exited;
  if (code !== 0) throw failed(hosts.destination.name, taking.stderr);
  return transferOf(parseSendingEnd(sending.stdout), parseTakingEnd(said()));
}

function collect(program: RunningProgram): () => string {
  let text = '';
  program.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  return () => text;
}

/** What it prints first is that it listens. */
async function untilReady(program: RunningProgram, host: string): Promise<void> {
  const isReady = await Promise.race([
    once(program.stdout, 'data').then(() => true),
    program.exited.then(() => false),
  ]);
  if (!isReady) throw failed(host, program.stderr);
}

function failed(host: string, stderr: string): HostError {
  return new HostError(host, 'program-failed', `the transfer failed: ${stderr.trim()}`);
}

function transferOf(sending: SendingEnd, taking: TransferEnd): Transfer {
  const { seconds, bytes, segments, received, retransmissions } = sending;
  return {
    seconds,
    bytes,
    segments,
    acknowledgements: Math.max(0, received - OTHER_SEGMENTS),
    retransmissions,
    sourceSeconds: sending.busySeconds,
    destinationSeconds: taking.busySeconds,
  };
}
