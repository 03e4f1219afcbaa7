import type { MigrationSettings } from '../qemu/saved-settings.js';
import type { HostRole, Undo } from '../steps/step.js';

/**
 * Speaks QMP where Tare no longer does. Arguments: the socket's path, then address and port of the migration at the source, nothing
 * at the destination. Standard input: commands, one a line.
 *
 * A migration of the run that is still under way is ended first: what protects it goes next. A guest that has begun to change over
 * (post-copy) is waited for instead.
 */
const RESTORE = `
use strict; use Socket;
my ($path, $address, $port) = @ARGV;
my @commands = <STDIN>;
$SIG{ALRM} = sub { exit 1 };
alarm 50;
socket(my $qmp, PF_UNIX, SOCK_STREAM, 0) or die;
connect($qmp, sockaddr_un($path)) or exit 0;
select((select($qmp), $| = 1)[0]);
sub answer { while (my $line = <$qmp>) { return $line if $line =~ $_[0] } exit 0 }
sub ask { print $qmp "$_[0]\\n"; return answer(qr/"id": *"tare"/) }
sub is_under_way {
  return 0 unless defined $port;
  open(my $ss, "-|", "ss", "-Htn", "dst", $address, "dport", "=", ":$port") or return 0;
  return scalar(my @connections = <$ss>) > 0;
}
answer(qr/"QMP"/);
ask('{"execute": "qmp_capabilities", "id": "tare"}');
for (my $asked = 0; is_under_way(); select(undef, undef, undef, 0.1)) {
  next if $asked or ask('{"execute": "query-migrate", "id": "tare"}') =~ /"status": *"postcopy/;
  ask('{"execute": "migrate_cancel", "id": "tare"}');
  $asked = 1;
}
for my $command (@commands) { chomp $command; ask($command) }
`;

/** Where the migration goes, for the source. */
export interface MigrationTarget {
  readonly address: string;
  readonly port: number;
}

/** Brings a user's QEMU back to what it was. Harmless when that has been done, or the QEMU is gone. */
export function qmpUndo(
  role: HostRole,
  socket: string,
  settings: MigrationSettings,
  target: MigrationTarget | null,
): Undo {
  const where = target === null ? [] : [bracketed(target.address), String(target.port)];
  return {
    role,
    title: "restore QEMU's migration settings",
    program: 'perl',
    args: ['-e', RESTORE, socket, ...where],
    input: settings.map((command) => `${JSON.stringify({ ...command, id: 'tare' })}\n`).join(''),
  };
}

/** As ss takes addresses before a port. */
export function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
