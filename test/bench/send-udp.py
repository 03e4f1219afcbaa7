"""Sends UDP datagrams at a rate: send-udp.py ADDRESS BYTES SECONDS RATE (packets a second).

Sixty-four at a time by UDP_SEGMENT (udp(7)), cut by the kernel: several times what a system call for each packet allows.
"""

import socket
import sys
import time

SOL_UDP = 17
UDP_SEGMENT = 103
MOST_SEGMENTS = 64
MOST_BYTES = 65_000


def send(address, size, seconds, rate):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(SOL_UDP, UDP_SEGMENT, size)
    sender.connect((address, 9))
    segments = min(MOST_SEGMENTS, MOST_BYTES // size)
    burst = bytes(size * segments)
    start = time.perf_counter()
    sent = 0
    while (passed := time.perf_counter() - start) < seconds:
        if sent <= rate * passed:
            sender.send(burst)
            sent += segments


send(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
