import { Errors } from '../../../src/analysis/errors.js';
import { Flows } from '../../../src/analysis/flows.js';
import { Fragmentation } from '../../../src/analysis/fragmentation.js';
import { Overhead } from '../../../src/analysis/overhead.js';
import { SecurityAssociations } from '../../../src/analysis/security-associations.js';
import { Timeline } from '../../../src/analysis/timeline.js';
import type { PacketBatch } from '../../../src/packet/packet-batch.js';

/** All analyses of one piece of traffic. */
export class Analyses {
  readonly flows = new Flows();
  readonly overhead = new Overhead();
  readonly securityAssociations = new SecurityAssociations();
  readonly fragmentation = new Fragmentation();
  readonly timeline = new Timeline();
  readonly errors = new Errors();

  add(batch: PacketBatch, from = 0, to = batch.count): this {
    this.flows.add(batch, from, to);
    this.overhead.add(batch, from, to);
    this.securityAssociations.add(batch, from, to);
    this.fragmentation.add(batch, from, to);
    this.timeline.add(batch, from, to);
    this.errors.add(batch, from, to);
    return this;
  }

  /** Merges what another thread would send: a structured clone. */
  merge(later: Analyses): this {
    this.flows.merge(structuredClone(later.flows.state));
    this.overhead.merge(structuredClone(later.overhead.state));
    this.securityAssociations.merge(structuredClone(later.securityAssociations.state));
    this.fragmentation.merge(structuredClone(later.fragmentation.state));
    this.timeline.merge(structuredClone(later.timeline.state));
    this.errors.merge(structuredClone(later.errors.state));
    return this;
  }

  summary() {
    return {
      flows: this.flows.summary(),
      overhead: this.overhead.summary({
        flows: this.flows.state,
        closedEsp: this.securityAssociations.closedEsp(),
      }),
      securityAssociations: this.securityAssociations.summary(),
      fragmentation: this.fragmentation.summary({ completed: 0, incomplete: 0, overlaps: 0, fragments: 0 }),
      timeline: this.timeline.summary(),
      errors: this.errors.summary(['a.pcap']),
    };
  }
}
