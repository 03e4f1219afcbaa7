import type { ForwardedSocket } from './host.js';
import { HostError } from './host-error.js';
import { type LocalCommand, ShellHost } from './shell-host.js';
import type { ProgramEnd } from './supervised-program.js';

/** The machine that Tare itself runs on. */
export class LocalHost extends ShellHost {
  constructor(name = 'this machine') {
    super(name);
  }

  async forwardUnixSocket(remotePath: string): Promise<ForwardedSocket> {
    return { localPath: remotePath, close: async () => {} };
  }

  protected localCommand([program = '', ...args]: readonly string[]): LocalCommand {
    return { program, args };
  }

  protected explainLoss(program: string, stderr: string, end: ProgramEnd & { kind: 'lost' }): HostError {
    const why = end.error?.message ?? (stderr.trim() || `its shell ended with ${end.code ?? 'a signal'}`);
    return new HostError(this.name, 'connection-lost', `${program} was lost: ${why}`, { cause: end.error });
  }
}
