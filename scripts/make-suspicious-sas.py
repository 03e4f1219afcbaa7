#!/usr/bin/env python3
"""Writes IPsec that is wrong on purpose into captures/suspicious/, and what only looks so into captures/benign/, made by Scapy's
own IPsec (python3-scapy 2.5).

    python3 scripts/make-suspicious-sas.py [NAME...]

Keys, IVs and times are fixed, so that each run writes the same bytes.
"""

import gzip
import sys
from io import BytesIO
from pathlib import Path

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.ipsec import AH, ESP, SecurityAssociation
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import PcapWriter, rdpcap

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
HERE, THERE = "10.67.0.1", "10.67.0.2"
LINK = Ether(src="02:00:00:00:67:01", dst="02:00:00:00:67:02")
KEY = bytes(range(16))
SALT = bytes(range(16, 20))
GCM = {"crypt_algo": "AES-GCM", "crypt_key": KEY + SALT}


def plain(number, size):
    """A UDP datagram that is different for each number."""
    header = IP(src=HERE, dst=THERE, id=number & 0xFFFF) / UDP(sport=4000, dport=5000)
    return header / Raw(bytes((number * 7 + i) & 255 for i in range(size)))


def counter_iv(number):
    """As Linux makes them (seqiv): the number, changed by a constant."""
    return (number ^ 0x5AA5_0FF0_1234_5678).to_bytes(8, "big")


def sealed(sa, sequence, content, iv):
    return LINK / sa.encrypt(plain(content, 40 + content * 11 % 230), seq_num=sequence, iv=iv)


def esp(spi=0xC0FFEE01, **algorithms):
    return SecurityAssociation(ESP, spi=spi, **(algorithms or GCM))


def gcm_packet(sequence, content=None, iv=None, spi=0xC0FFEE01):
    content = sequence if content is None else content
    return sealed(esp(spi), sequence, content, counter_iv(sequence) if iv is None else iv)


def write(path, packets, step=0.01, snaplen=65535):
    """One packet each `step` seconds, of which `snaplen` bytes are kept."""
    content = BytesIO()
    writer = PcapWriter(content, linktype=1)
    writer.write_header(None)
    for i, packet in enumerate(packets):
        data = bytes(packet)
        microseconds = round(i * step * 1e6)
        writer.write_packet(
            data[:snaplen],
            sec=1_700_000_000 + microseconds // 1_000_000,
            usec=microseconds % 1_000_000,
            caplen=min(len(data), snaplen),
            wirelen=len(data),
        )
    data = content.getvalue()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def nonce_reuse():
    """Packets 31 and 61 use the IVs of packets 30 and 50."""
    reused = {31: 30, 61: 50}
    return [gcm_packet(i, iv=counter_iv(reused.get(i, i))) for i in range(1, 101)]


def two_senders():
    """A cloned machine: both send number 1 to 20 under one key, each its own data."""
    return [gcm_packet(i, content=i + 300 * sender) for i in range(1, 21) for sender in (0, 1)]


def unauthenticated():
    cipher = esp(crypt_algo="AES-CBC", crypt_key=KEY)
    iv = lambda i: bytes((i * 37 + j * 91 + i * j) & 255 for j in range(16))
    return [sealed(cipher, i, i, iv(i)) for i in range(1, 101)]


def jump():
    """A forged packet far ahead between packets 20 and 21."""
    return [gcm_packet(i) for i in [*range(1, 21), 2_000_000_000, *range(21, 41)]]


def near_wrap():
    return [gcm_packet(i) for i in range(0xFFFF_FF00, 0xFFFF_FF28)]


def wrapped():
    """A sender that knows no end. Scapy takes no number 0, so behind 2^32 - 1 comes 1."""
    return [gcm_packet(n, content=i) for i, n in enumerate([*range(0xFFFF_FFE0, 2**32), *range(1, 41)])]


def wrapped_extended():
    """The same with extended numbers: the ICV covers the high half."""
    extended = SecurityAssociation(ESP, spi=0xC0FFEE01, esn_en=True, **GCM)
    packets = []
    for number in [*range(0xFFFF_FFE0, 2**32), *range(2**32 + 1, 2**32 + 41)]:
        low, high = number & 0xFFFF_FFFF, number >> 32
        sealed_ip = extended.encrypt(
            plain(number, 40 + number % 200),
            seq_num=low,
            iv=counter_iv(number),
            esn_en=True,
            esn=high,
        )
        packets.append(LINK / sealed_ip)
    return packets


def much_3des():
    """8.5 MB under one key, cut to 74 bytes a packet."""
    sa = esp(crypt_algo="3DES", crypt_key=bytes(range(24)), auth_algo="HMAC-SHA1-96", auth_key=KEY + SALT)
    iv = lambda i: bytes((i * 37 + j * 91 + i * j) & 255 for j in range(8))
    return [LINK / sa.encrypt(plain(i, 8800 + i * 13 % 120), seq_num=i, iv=iv(i)) for i in range(1, 961)]


def rekeyed():
    """The new SA is in use before the last packets of the old one have come."""
    old = [gcm_packet(i) for i in range(1, 61)]
    new = [gcm_packet(i, content=i + 700, spi=0xC0FFEE02) for i in range(1, 41)]
    overlap = [packet for pair in zip(old[40:], new[:20]) for packet in pair]
    return [*old[:40], *overlap, *new[20:]]


def reordered():
    """Two ways, packets in turn, a packet a microsecond; one of them takes 800 us longer."""
    arrivals = sorted((i + 800 * (i % 2), i) for i in range(1, 1001))
    return [gcm_packet(i) for _, i in arrivals]


def rebound():
    """control-ikev2, as if a NAT before 10.66.0.1 gave it another address and port in the middle."""
    packets = rdpcap(str(CAPTURES / "suspicious/control-ikev2.pcap"))
    return [through_nat(packet) if i >= 25 else packet for i, packet in enumerate(packets)]


def through_nat(packet):
    packet = packet.copy()
    if UDP not in packet:
        return packet
    for address, port in (("src", "sport"), ("dst", "dport")):
        if getattr(packet[IP], address) == "10.66.0.1":
            setattr(packet[IP], address, "10.66.0.77")
            setattr(packet[UDP], port, 40_001)
    del packet[IP].chksum, packet[UDP].chksum
    return packet


def reserved_spi():
    return [gcm_packet(i, spi=7) for i in range(1, 6)]


def wrong_icv():
    """The kernel's own packets, three of them with a bit turned over."""
    packets = [Ether(bytes(p)) for p in rdpcap(str(CAPTURES / "ipsec/t4-gcm16.pcap"), count=90)][50:]
    for i in (10, 20, 30):
        data = bytearray(bytes(packets[i]))
        data[60] ^= 1
        packets[i] = Ether(bytes(data))
    return packets


def partly_clear():
    """The kernel's own AH, taken off the last 10 packets of its TCP connection."""
    packets = [Ether(bytes(p)) for p in rdpcap(str(CAPTURES / "ipsec/t4-ah-sha256.pcap"))]
    tcp = [p for p in packets if AH in p and p[AH].nh == 6][:30]
    return [p if i < 20 else bare(p) for i, p in enumerate(tcp)]


def bare(packet):
    ip = packet[IP]
    ah_bytes = (ip[AH].payloadlen + 2) * 4
    inner = bytes(ip)[ip.ihl * 4 + ah_bytes :]
    header = IP(src=ip.src, dst=ip.dst, id=ip.id, flags=ip.flags, ttl=ip.ttl, proto=6)
    return Ether(src=packet.src, dst=packet.dst) / header / Raw(inner)


def migration_under_ah():
    """The beginning of a clear migration, each packet with an AH around it."""
    clear = rdpcap(str(CAPTURES / "migration/ms-clear-1500.pcap.gz"), count=60)
    protected = []
    for i, packet in enumerate(p for p in clear if TCP in p):
        forward = packet[IP].src == "10.9.0.1"
        sa = SecurityAssociation(
            AH, spi=0xA000 + forward, auth_algo="SHA2-256-128", auth_key=bytes(range(32))
        )
        sealed_ip = sa.encrypt(IP(bytes(packet[IP])), seq_num=i + 1)
        protected.append(Ether(src=packet.src, dst=packet.dst) / sealed_ip)
    return protected


CAPTURES_MADE = {
    "suspicious/nonce-reuse.pcap": (nonce_reuse, {}),
    "suspicious/two-senders.pcap": (two_senders, {}),
    "suspicious/unauthenticated.pcap": (unauthenticated, {}),
    "suspicious/sequence-jump.pcap": (jump, {}),
    "suspicious/near-wrap.pcap": (near_wrap, {}),
    "suspicious/wrapped.pcap": (wrapped, {}),
    "suspicious/much-3des.pcap.gz": (much_3des, {"snaplen": 74}),
    "suspicious/reserved-spi.pcap": (reserved_spi, {}),
    "suspicious/wrong-icv.pcap": (wrong_icv, {}),
    "suspicious/partly-clear.pcap": (partly_clear, {}),
    "suspicious/migration-under-ah.pcap.gz": (migration_under_ah, {}),
    "benign/wrapped-extended.pcap": (wrapped_extended, {}),
    "benign/rekeyed.pcap": (rekeyed, {}),
    "benign/reordered.pcap.gz": (reordered, {"step": 1e-6, "snaplen": 60}),
    "benign/nat-rebound.pcap": (rebound, {}),
}

if __name__ == "__main__":
    for name, (make, options) in CAPTURES_MADE.items():
        if len(sys.argv) == 1 or any(wanted in name for wanted in sys.argv[1:]):
            write(CAPTURES / name, make(), **options)
