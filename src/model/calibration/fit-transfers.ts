import type { PacketCosts } from './calibration.js';
import { type Equation, solveNonNegative } from './least-squares.js';

/** A bulk transfer over one connection: what was sent, and what it took of either host's processors, all of them together. */
export interface TransferSample {
  readonly segments: number;
  /** Payload. */
  readonly bytes: number;
  readonly acknowledgements: number;
  readonly sourceSeconds: number;
  readonly destinationSeconds: number;
}

export interface FittedTransfers {
  readonly send: PacketCosts;
  readonly receive: PacketCosts;
  /** The largest relative error of what the costs come to, without sign. */
  readonly worstResidual: number;
}

/**
 * Costs of a packet and of a byte in either direction, from transfers with segments of different sizes: the source sends segments and
 * receives acknowledgements, the destination the other way round.
 * @throws RangeError for transfers of one size, or such that took no time
 */
export function fitTransfers(samples: readonly TransferSample[]): FittedTransfers {
  const equations = samples.flatMap((sample): Equation[] => {
    const { segments, bytes, acknowledgements } = sample;
    return [
      { coefficients: [segments, bytes, acknowledgements, 0], value: sample.sourceSeconds * 1e9 },
      { coefficients: [acknowledgements, 0, segments, bytes], value: sample.destinationSeconds * 1e9 },
    ];
  });
  const { values, residuals } = solveNonNegative(equations);
  const [sendPacketNs, sendByteNs, receivePacketNs, receiveByteNs] = values;
  return {
    send: { packetNs: sendPacketNs!, byteNs: sendByteNs! },
    receive: { packetNs: receivePacketNs!, byteNs: receiveByteNs! },
    worstResidual: Math.max(...residuals.map(Math.abs)),
  };
}
