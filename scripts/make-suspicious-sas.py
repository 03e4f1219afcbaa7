#!/usr/bin/env python3
"""Writes captures/suspicious/ with IPsec that is wrong on purpose, made by Scapy's own IPsec (python3-scapy 2.5).

    python3 scripts/make-suspicious-sas.py

Keys, IVs and times are fixed, so that each run writes the same bytes.
"""

import gzip
from io import BytesIO
from pathlib import Path

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.ipsec import AH, ESP, SecurityAssociation
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import PcapWriter, rdpcap

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
OUT = CAPTURES / "suspicious"
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


def write(name, packets, step=0.01):
    """One packet each `step` seconds."""
    content = BytesIO()
    writer = PcapWriter(content, linktype=1)
    for i, packet in enumerate(packets):
        packet = Ether(bytes(packet))
        packet.time = 1_700_000_000 + round(i * step, 6)
        writer.write(packet)
    data = content.getvalue()
    (OUT / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)


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
    "nonce-reuse.pcap": nonce_reuse,
    "two-senders.pcap": two_senders,
    "unauthenticated.pcap": unauthenticated,
    "sequence-jump.pcap": jump,
    "near-wrap.pcap": near_wrap,
    "reserved-spi.pcap": reserved_spi,
    "wrong-icv.pcap": wrong_icv,
    "partly-clear.pcap": partly_clear,
    "migration-under-ah.pcap.gz": migration_under_ah,
}

if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for name, make in CAPTURES_MADE.items():
        write(name, make())
