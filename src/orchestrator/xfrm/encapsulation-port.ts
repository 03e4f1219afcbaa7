import { once } from 'node:events';
import type { Host, RunningProgram } from '../hosts/host.js';
import { HostError } from '../hosts/host-error.js';

/**
 * ESP in UDP is told from other UDP by a socket with the option UDP_ENCAP (udp(7)), which some process must hold: else the kernel
 * answers that the port is closed. `$ARGV[0]`: the address. SOL_UDP 17, UDP_ENCAP 100, UDP_ENCAP_ESPINUDP 2. A port that is
 * taken belongs to an IKE daemon, whose socket does the same.
 */
const HOLDER = `
use strict; use Socket qw(:all); use Errno;
$| = 1;
my $ipv6 = index($ARGV[0], ":") >= 0;
my $family = $ipv6 ? AF_INET6 : AF_INET;
my $address = inet_pton($family, $ARGV[0]);
socket(my $socket, $family, SOCK_DGRAM, 17) or die "socket: $!";
if (bind($socket, $ipv6 ? sockaddr_in6(4500, $address) : sockaddr_in(4500, $address))) {
  setsockopt($socket, 17, 100, pack("i", 2)) or die "UDP_ENCAP: $!";
} elsif (!$!{EADDRINUSE}) {
  die "bind: $!";
}
print "ready\\n";
sleep;
`;

/**
 * Holds UDP port 4500 open for ESP as long as the program runs.
 * @throws HostError
 */
export async function holdEncapsulationPort(host: Host, address: string): Promise<RunningProgram> {
  const holder = await host.start('perl', ['-e', HOLDER, address]);
  const isReady = await Promise.race([
    once(holder.stdout, 'data').then(() => true),
    holder.exited.then(() => false),
  ]);
  if (isReady) return holder;
  throw new HostError(
    host.name,
    'program-failed',
    `UDP port 4500 cannot be opened for ESP: ${holder.stderr.trim()}`,
  );
}
