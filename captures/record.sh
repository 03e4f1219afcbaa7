#!/bin/bash
# Records what looks like an attack and is none, and attacks: record.sh WHAT FILE, as root. captures/README.md says what each is.
# Namespaces tare-NAME hold a switch (sw) and hosts; e0 is a host's card. They are taken away at the end.
set -eu
what=$1 file=$2
work=$(mktemp -d)
hosts=()
pids=()

at() { local host=$1; shift; ip netns exec "tare-$host" "$@"; }
in_background() { ip netns exec "tare-$2" "${@:3}" >"$work/log" 2>&1 & pids+=($!); } # at HOST COMMAND
clean_up() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  for host in "${hosts[@]}"; do ip netns del "tare-$host"; done
  rm -r "$work"
}
trap clean_up EXIT

namespace() { ip netns add "tare-$1"; hosts+=("$1"); at "$1" ip link set lo up; }
no_offloads() { at "$1" ethtool -K "$2" tso off gso off gro off tx off rx off >/dev/null 2>&1 || true; }
# host NAME NUMBER: 192.0.2.NUMBER and fd00::NUMBER on the switch, MAC address 02:00:00:00:00:NUMBER, :fe for 254
host() {
  namespace "$1"
  ip link add e0 netns "tare-$1" type veth peer "p-$1" netns tare-sw
  at "$1" ip link set e0 address "02:00:00:00:00:$(printf %02d "$2" | sed s/254/fe/)"
  at "$1" ip addr add "192.0.2.$2/24" dev e0
  at "$1" ip addr add "fd00::$2/64" dev e0 nodad
  at "$1" ip link set e0 up
  at sw ip link set "p-$1" master sw0 up
  no_offloads "$1" e0; no_offloads sw "p-$1"
}
switch() {
  namespace sw
  at sw sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  at sw ip link add name sw0 type bridge
  at sw ip link set sw0 address 02:00:00:00:00:aa up
}
record() { # HOST INTERFACE FILE [FILTER]
  in_background at "$1" tcpdump -i "$2" -U --immediate-mode -w "$3" "${@:4}"
  sleep 1
}
stop_recording() { sleep 1; for pid in "${pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; done; sleep 0.5; }

take_over() { # from dst to peer: the address that src is talking to
  at dst ip addr del 192.0.2.100/32 dev e0
  at peer ip addr add 192.0.2.100/32 dev e0
  at peer arping -q -U -c "${1:-5}" -I e0 192.0.2.100
}
talk() { for i in $(seq 40); do echo "line $i of a connection that is taken over"; sleep 0.1; done; }
ask_again() { for i in $(seq 4); do at src ip neigh flush dev e0; at src ping -q -c 1 192.0.2.100 >/dev/null; done; }

takeover_scene() {
  switch; host src 1; host dst 2; host peer 3
  at dst ip addr add 192.0.2.100/32 dev e0
  in_background at dst socat -u TCP-LISTEN:16514,bind=192.0.2.100 OPEN:/dev/null
  at src ping -c 1 192.0.2.2 >/dev/null; at src ping -c 1 192.0.2.3 >/dev/null
}

link_local() { at "$1" ip -6 -o addr show dev e0 scope link | sed 's/.*inet6 //; s/\/.*//'; }
two_routers() {
  switch; host src 1; host dst 2; host gw 254
  for name in dst gw; do advertise "$name" fd00::1:0 fd00::254],[fd00::2; done
  sleep 3
}
advertise() { # HOST FIRST-ADDRESS NAME-SERVERS
  in_background at "$1" dnsmasq -k -C /dev/null -p 0 -i e0 --bind-dynamic -x "" --leasefile-ro -u root --enable-ra \
    --dhcp-range="$2,${2%0}ff,64" --dhcp-option="option6:dns-server,[$3]"
}
ask_for_configuration() { # DHCPv6, and neighbour discovery of the routers' link-local addresses
  at src timeout 15 dhclient -6 -1 -d -lf "$work/leases" -pf "$work/pid" -sf /bin/true e0 >/dev/null 2>&1 || true
  for name in dst gw; do at src ping -q -c 1 "$(link_local "$name")%e0" >/dev/null || true; done
}

case $what in
takeover) # an address moves to a machine that does not know its connections, and resets them
  takeover_scene
  record src e0 "$file"
  in_background at src bash -c "$(declare -f talk); talk | socat - TCP:192.0.2.100:16514"
  sleep 2; take_over
  stop_recording ;;
mirrored-takeover) # src asks for the address again and again, before and after it moves; each packet twice, as mirror ports show it
  takeover_scene
  record src e0 "$work/once.pcap" arp or icmp
  ask_again; take_over 2; ask_again
  stop_recording
  editcap -t 0.00002 "$work/once.pcap" "$work/again.pcap"
  mergecap -F pcap -w "$file" "$work/once.pcap" "$work/again.pcap" ;;
bridge-any) # the same, fragments and a transfer, as `any` on the bridge of 16 machines shows it: everything many times
  takeover_scene
  for i in $(seq 16); do
    at sw ip link add "q$i" type veth peer "r$i"
    at sw ip link set "q$i" master sw0 up; at sw ip link set "r$i" up
  done
  sleep 3
  record sw any "$file" not ip6
  in_background at src bash -c "$(declare -f talk); talk | socat - TCP:192.0.2.100:16514"
  sleep 1; take_over 4; for i in 1 2 3; do at peer arping -q -A -c 1 -I e0 192.0.2.100; done
  at src ping -q -c 3 -i 0.2 -s 3000 192.0.2.2 >/dev/null
  stop_recording ;;
refragmented) # gw cuts fragments again for its second link, and is seen on both sides
  switch; host src 1; host gw 254
  namespace far
  ip link add e1 netns tare-gw type veth peer e0 netns tare-far
  at gw ip addr add 198.51.100.254/24 dev e1; at gw ip link set e1 mtu 1476 up
  at far ip addr add 198.51.100.9/24 dev e0; at far ip link set e0 mtu 1476 up
  no_offloads gw e1; no_offloads far e0
  at gw sysctl -qw net.ipv4.ip_forward=1
  at src ip route add default via 192.0.2.254; at far ip route add default via 198.51.100.254
  record gw e0 "$work/in.pcap" icmp; record gw e1 "$work/out.pcap" icmp; record gw any "${file%.pcap}-any.pcap" icmp
  at src ping -q -c 1 -M dont -s 4000 198.51.100.9 >/dev/null
  stop_recording
  mergecap -F pcap -w "$file" "$work/in.pcap" "$work/out.pcap" ;;
probes) # a receiver that does not read, then an idle connection: zero-window probes and keep-alives
  switch; host src 1; host dst 2
  record src e0 "$file" tcp
  in_background at dst /usr/bin/python3 -c '
import socket, time
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096); l.bind(("192.0.2.2", 16514)); l.listen()
c, _ = l.accept(); time.sleep(5)
while c.recv(65536): pass'
  sleep 0.5
  at src /usr/bin/python3 -c '
import socket, time
s = socket.create_connection(("192.0.2.2", 16514))
for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)): s.setsockopt(socket.IPPROTO_TCP, option, value)
s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
s.sendall(bytes(i * 7 & 255 for i in range(12000))); time.sleep(9)'
  stop_recording ;;
dhcp-orders) # two servers that name the same name servers, each itself first
  switch; host src 1; host dst 2; host gw 254
  for name in dst:2:254:100 gw:254:2:150; do
    IFS=: read -r server own other range <<<"$name"
    echo "subnet 192.0.2.0 netmask 255.255.255.0 { option routers 192.0.2.254; option domain-name-servers 192.0.2.$own, 192.0.2.$other;
      range 192.0.2.$range 192.0.2.$((range + 20)); }" >"$work/$server.conf"
    : >"$work/$server.leases"; chmod 777 "$work" "$work/$server".*
    in_background at "$server" dhcpd -4 -f -cf "$work/$server.conf" -lf "$work/$server.leases" -pf "$work/$server.pid" e0
  done
  sleep 2
  record src e0 "$file" port 67
  for i in 1 2; do at src busybox udhcpc -f -q -n -i e0 -s /bin/true >/dev/null 2>&1; done
  stop_recording ;;
pxe) # a server that only tells PXE clients what to boot, beside the DHCP server
  switch; host src 1; host dst 2; host gw 254
  echo "subnet 192.0.2.0 netmask 255.255.255.0 { option routers 192.0.2.254; option domain-name-servers 192.0.2.254; range 192.0.2.100 192.0.2.120; }" >"$work/gw.conf"
  : >"$work/gw.leases"; chmod 777 "$work" "$work"/gw.*
  in_background at gw dhcpd -4 -f -cf "$work/gw.conf" -lf "$work/gw.leases" -pf "$work/gw.pid" e0
  in_background at dst dnsmasq -k -C /dev/null -p 0 -i e0 --bind-interfaces -x "" --leasefile-ro -u root \
    --dhcp-range=192.0.2.0,proxy --pxe-service=x86PC,boot,pxelinux
  sleep 2
  record src e0 "$file" port 67 or port 4011
  at src busybox udhcpc -f -q -n -i e0 -s /bin/true -V PXEClient:Arch:00000:UNDI:002001 -x 0x5d:0000 >/dev/null 2>&1 || true
  stop_recording ;;
two-owners6) # dst and the attacker have the same address: both kernels answer whenever src asks
  switch; host src 1; host dst 2; host attacker 66
  for name in dst attacker; do at "$name" ip addr add fd00::100/64 dev e0 nodad; done
  record src e0 "$file" icmp6
  for i in $(seq 6); do at src ip neigh flush dev e0; at src ping -q -c 1 fd00::100 >/dev/null || true; done
  stop_recording ;;
storm6) # the attacker announces the router's address again and again
  switch; host src 1; host attacker 66
  record src e0 "$file" icmp6
  at attacker /usr/bin/python3 "$(dirname "$0")/suspicious/crafted.py" storm6
  stop_recording ;;
routers) # two routers that share the work; src asks them for configuration, too
  two_routers
  record src e0 "$file" icmp6 or udp port 547
  ask_for_configuration
  stop_recording ;;
two-networks) # src has a router on each of two links, which advertise different prefixes, and is seen as `any`
  switch; host src 1; host gw 254
  namespace far
  ip link add e1 netns tare-src type veth peer e0 netns tare-far
  at far ip addr add fd01::9/64 dev e0 nodad
  at far ip link set e0 up; at src ip link set e1 up
  advertise gw fd00::1:0 fd00::254; advertise far fd01::1:0 fd01::9
  record src any "$file" icmp6
  sleep 8
  stop_recording ;;
rogue-router) # beside them the attacker: advertises itself, then says in the name of gw that it is a router no more
  two_routers; host attacker 66
  record src e0 "$file" icmp6 or udp port 547; record sw any "${file%.pcap}-any.pcap" icmp6
  ask_for_configuration
  at attacker timeout 7 atk6-fake_router6 e0 fd66::/64 fd66::66 >/dev/null || true
  at attacker timeout 7 atk6-kill_router6 e0 "$(link_local gw)" >/dev/null || true
  stop_recording ;;
rogue-dhcp6) # the attacker answers DHCPv6 requests, too, and names itself as name server
  two_routers; host attacker 66
  in_background at attacker dnsmasq -k -C /dev/null -p 0 -i e0 --bind-dynamic -x "" --leasefile-ro -u root \
    --dhcp-range=fd00::1:0,fd00::1:ff,64 --dhcp-option=option6:dns-server,[fd00::66]
  sleep 2
  record src e0 "$file" icmp6 or udp port 547
  ask_for_configuration
  stop_recording ;;
*) echo "unknown: $what" >&2; exit 64 ;;
esac
