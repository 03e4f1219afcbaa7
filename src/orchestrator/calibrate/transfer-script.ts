/**
 * A bulk transfer over one TCP connection, in Perl, which every Debian has and nearly every other Linux. `$ARGV`: `take` or `send`, the
 * destination's address, port, seconds. Processor time is what /proc/stat counts for all kinds of work, not what is left beside idle
 * time: idle time also goes on while packets are taken that come to an idle processor. SOL_TCP 6, TCP_INFO 11 (struct tcp_info of
 * linux/tcp.h, whose beginning never changes).
 */
export const TRANSFER_SCRIPT = `
use strict; use Socket qw(:all);
$| = 1;
$SIG{PIPE} = "IGNORE";
my ($role, $address, $port, $seconds) = @ARGV;
my $ipv6 = index($address, ":") >= 0;
my $family = $ipv6 ? AF_INET6 : AF_INET;
my $packed = inet_pton($family, $address);
my $there = $ipv6 ? sockaddr_in6($port, $packed) : sockaddr_in($port, $packed);
sub read_line { open(my $file, "<", $_[0]) or die "$_[0]: $!"; return split " ", <$file>; }
sub clock { return (read_line("/proc/uptime"))[0]; }
sub busy { my (undef, $user, $nice, $system, undef, undef, $irq, $softirq, $steal) = read_line("/proc/stat"); return ($user + $nice + $system + $irq + $softirq + $steal) / 100; }
socket(my $socket, $family, SOCK_STREAM, 6) or die "socket: $!";
if ($role eq "take") {
  setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($socket, $there) or die "bind: $!";
  listen($socket, 1) or die "listen: $!";
  print "ready\\n";
  accept(my $connection, $socket) or die "accept: $!";
  my ($up, $busy, $buffer) = (clock(), busy());
  while (1) {
    my $taken = sysread($connection, $buffer, 32768);
    die "read: $!" unless defined $taken;
    last if $taken == 0;
  }
  my ($up2, $busy2) = (clock(), busy());
  syswrite($connection, "x");
  printf "%.2f %.2f\\n", $up2 - $up, $busy2 - $busy;
} else {
  connect($socket, $there) or die "connect: $!";
  my ($up, $busy) = (clock(), busy());
  my ($buffer, $sent, $writes, $now) = ("\\0" x 131072, 0, 0, $up);
  while ($now < $up + $seconds) {
    my $written = syswrite($socket, $buffer) or die "write: $!";
    $sent += $written;
    $now = clock() if ++$writes % 4 == 0;
  }
  shutdown($socket, 1);
  sysread($socket, my $answer, 1) or die "answer: $!";
  my ($up2, $busy2) = (clock(), busy());
  my ($retransmitted) = unpack("x100 V", getsockopt($socket, 6, 11));
  my ($received, $segments) = unpack("x140 V x12 V", getsockopt($socket, 6, 11));
  printf "%.2f %.2f %d %d %d %d\\n", $up2 - $up, $busy2 - $busy, $sent, $segments, $received, $retransmitted;
}
`;

/** What one end of a transfer printed. */
export interface TransferEnd {
  /** By the host's own clock. */
  readonly seconds: number;
  /** Work of all processors together. */
  readonly busySeconds: number;
}

export interface SendingEnd extends TransferEnd {
  readonly bytes: number;
  /** Segments with payload, those sent again included. */
  readonly segments: number;
  /** That came back: acknowledgements, but for two of connecting and closing. */
  readonly received: number;
  readonly retransmissions: number;
}

/** @throws RangeError for anything else */
export function parseTakingEnd(text: string): TransferEnd {
  const [seconds, busySeconds] = numbers(text, 2);
  return { seconds: seconds!, busySeconds: busySeconds! };
}

/** @throws RangeError for anything else */
export function parseSendingEnd(text: string): SendingEnd {
  const [seconds, busySeconds, bytes, segments, received, retransmissions] = numbers(text, 6);
  return {
    seconds: seconds!,
    busySeconds: busySeconds!,
    bytes: bytes!,
    segments: segments!,
    received: received!,
    retransmissions: retransmissions!,
  };
}

function numbers(text: string, count: number): number[] {
  const line = text.trim().split('\n').at(-1) ?? '';
  const found = line.split(' ').map(Number);
  if (found.length === count && found.every(Number.isFinite)) return found;
  throw new RangeError(`a transfer was told as ${JSON.stringify(line)}`);
}
