#!/usr/bin/python3
"""A bad wire between w0 and w1: loses, doubles and swaps frames. wire.py LOSS DOUBLE SWAP SEED"""
import random, select, socket, sys
loss, double, swap = (float(x) for x in sys.argv[1:4])
r = random.Random(int(sys.argv[4]))
ends = []
for name in ("w0", "w1"):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind((name, 0)); ends.append(s)
held = [None, None]
def send(i, frame):
    ends[1 - i].send(frame)
while True:
    ready, _, _ = select.select(ends, [], [], 0.003)
    if not ready:
        for i in (0, 1):
            if held[i]: send(i, held[i]); held[i] = None
    for s in ready:
        frame, addr = s.recvfrom(70000)
        if addr[2] == socket.PACKET_OUTGOING: continue
        i = ends.index(s); ip = frame[12:14] in (b"\x08\x00", b"\x86\xdd")
        if ip and r.random() < loss: continue
        if ip and held[i] is None and r.random() < swap: held[i] = frame; continue
        send(i, frame)
        if ip and r.random() < double: send(i, frame)
        if held[i]: send(i, held[i]); held[i] = None
