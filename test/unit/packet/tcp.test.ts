import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTcpOptions } from '../../../src/packet/tcp.js';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import { bytes, ethernet, filler, ipv4, tcp } from './frame-builder.js';
import { catalogueFrame, SYN_OPTIONS } from './frame-catalogue.js';

const OFFSET = 34;
const wrap = (payload: Uint8Array) => ethernet(0x0800, ipv4({ protocol: 6 }, payload));
const NOTHING = { mss: 0, windowScale: -1, sackPermitted: false, timestamps: false };

function optionsOf(options: Uint8Array) {
  const found = { mss: 9, windowScale: 9, sackPermitted: true, timestamps: true };
  parseTcpOptions(bytes(filler(3), tcp({ options }, filler(40))), 3, found);
  return found;
}

test('charges options to the transport header', () => {
  const row = decodeFrame(catalogueFrame('TCP with timestamps').frame);
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 32, payload: 100 });
  assert.deepEqual(pick(row, 'transportOffset', 'payloadOffset', 'payloadLength'), {
    transportOffset: OFFSET,
    payloadOffset: OFFSET + 32,
    payloadLength: 100,
  });
});

for (const name of ['TCP SYN with options', 'TCP with timestamps', 'TCP with an option of length 0']) {
  test(`survives the snap length at every byte: ${name}`, () => {
    assertEverySnapCut(catalogueFrame(name).frame);
  });
}

test('flags SYN, with or without ACK', () => {
  for (const flags of [0x02, 0x12])
    assert.deepEqual(decodeFrame(wrap(tcp({ flags }, bytes()))).flags, ['tcp', 'tcpSyn']);
});

test('a header cut on the wire is malformed at every length, its options too', () => {
  assertEveryWireTruncation(tcp({ options: new Uint8Array(40).fill(1) }, bytes()), wrap, {
    layer: 'TCP',
    offset: OFFSET,
    required: (actual) => (actual < 20 ? 20 : 60),
  });
});

test('a data offset below 5 words is malformed for each such offset', () => {
  for (let words = 0; words < 5; words++) {
    const frame = wrap(tcp({}, filler(10)));
    frame[OFFSET + 12] = words << 4;
    assert.deepEqual(decodeFrame(frame).error, {
      kind: 'length',
      layer: 'TCP',
      offset: OFFSET,
      required: 20,
      actual: words * 4,
    });
  }
});

test('offsets are there only if the header is wholly captured; the length is known all the same', () => {
  const { frame } = catalogueFrame('TCP with timestamps');
  for (const [capturedBytes, transportOffset, payloadOffset] of [
    [OFFSET + 31, null, null],
    [OFFSET + 32, OFFSET, OFFSET + 32],
  ] as const) {
    const row = decodeFrame(frame, { capturedBytes });
    assert.deepEqual(pick(row, 'transportOffset', 'payloadOffset', 'payloadLength', 'layers'), {
      transportOffset,
      payloadOffset,
      payloadLength: 100,
      layers: { link: 14, ip: 20, transport: 32, payload: 100 },
    });
  }
});

test('reads the options of a SYN', () => {
  assert.deepEqual(optionsOf(SYN_OPTIONS), {
    mss: 1460,
    windowScale: 7,
    sackPermitted: true,
    timestamps: true,
  });
});

test('no options leave nothing behind of the header read before', () => {
  assert.deepEqual(optionsOf(bytes()), NOTHING);
});

test('a malformed option ends the list; those before it count', () => {
  for (const malformed of ['0800', '0801', '080a 0000 0001', '03', '0304 0700', '02']) {
    const options = bytes('020405b4', malformed);
    const padded = bytes(options, new Uint8Array((4 - (options.length % 4)) % 4));
    assert.deepEqual(optionsOf(padded), { ...NOTHING, mss: 1460 }, malformed);
  }
});

test('an option of the wrong length for its kind is skipped', () => {
  assert.deepEqual(optionsOf(bytes('0203 05 0203 05 0402')), { ...NOTHING, sackPermitted: true });
});

test('the end of the list ends it, whatever stands behind', () => {
  assert.deepEqual(optionsOf(bytes('01010100 020405b4')), NOTHING);
});
