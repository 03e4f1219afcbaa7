/** A guest that is there already, and goes on when the run is over. */
export type ForeignGuest = DomainGuest | QmpGuest;

interface AnyGuest {
  /** MTU as the devices have it, not as the scenario says. */
  readonly keepsMtu: boolean;
  /** Null: the scenario has a name of its own. */
  readonly scenarioName: 'of the guest' | null;
}

/** One that libvirt manages. */
export interface DomainGuest extends AnyGuest {
  readonly kind: 'domain';
  /** Its name: not an id, nor a UUID. */
  readonly domain: string;
  /** How the source's libvirt reaches that of the destination: `qemu+ssh://root@far.example/system`. */
  readonly destinationUri: string;
  /** Forget it at the source once it runs at the destination. */
  readonly undefineSource: boolean;
}

/** A QEMU at the source, and one started with `-incoming defer` at the destination. */
export interface QmpGuest extends AnyGuest {
  readonly kind: 'qmp';
  /** Paths of their QMP sockets, each on its host. */
  readonly socket: string;
  readonly destinationSocket: string;
}
