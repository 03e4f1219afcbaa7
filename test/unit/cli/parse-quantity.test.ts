import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseBitRate, parseBytes, parseRange, QuantityError } from '../../../src/cli/parse-quantity.js';

test('sizes are read as people write them', () => {
  const sizes: Readonly<Record<string, number>> = {
    '4096': 4096,
    '1B': 1,
    '400MB': 400_000_000,
    '400 MB': 400_000_000,
    '4GiB': 4_294_967_296,
    '4gib': 4_294_967_296,
    '16 kB': 16_000,
    '16KB': 16_000,
    '1KiB': 1024,
    '1.5GiB': 1_610_612_736,
    '0.1GB': 100_000_000,
    '1.1TB': 1_100_000_000_000,
    '.5MB': 500_000,
    '2TiB': 2 ** 41,
    '7 bytes': 7,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseBytes(text), bytes, text);
});

test('sizes that leave something open say what to write', () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    '4G': /leaves open what G is: write 4GB .* or 4GiB/,
    '4k': /write 4KB .* or 4KiB/,
    '4Gb': /are bits/,
    '10Gbit': /are bits/,
    '10Mbps': /are bits/,
    '0.5B': /no whole bytes/,
    '10PiB': /beyond 2\^53/,
    '4GiBs': /unknown unit/,
    '-1GB': /no amount/,
    '1e9': /unknown unit|no amount/,
    GiB: /no amount/,
    '': /no amount/,
    '1,5GB': /no amount/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => parseBytes(text), { name: 'QuantityError', message }, text);
  }
});

test('rates are in bits and powers of 1000', () => {
  const rates: Readonly<Record<string, number>> = {
    '10Gbit': 1e10,
    '10Gbit/s': 1e10,
    '2.5Gbit/s': 2.5e9,
    '100Mbps': 1e8,
    '100 mbit': 1e8,
    '10G': 1e10,
    '40mbit': 4e7,
    '400Gb/s': 4e11,
    '9600': 9600,
    '9600bit/s': 9600,
  };
  for (const [text, bps] of Object.entries(rates)) assert.equal(parseBitRate(text), bps, text);
});

test('rates of nothing or in unknown units are refused', () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    '0Gbit': /no rate at all/,
    '10Xbit': /unknown unit/,
    '10Gbit/min': /unknown unit/,
    fast: /no amount/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => parseBitRate(text), { name: 'QuantityError', message }, text);
  }
});

test('a rate in a unit that is nearly right is answered with the right spelling', () => {
  const meant: Readonly<Record<string, RegExp>> = {
    '4gb': /may be bits or bytes: write 4Gbit \(bits\), or 32Gbit if it is bytes$/,
    '10Mb': /write 10Mbit \(bits\), or 80Mbit/,
    '2.5 Gb': /write 2\.5Gbit /,
    '1kb': /write 1kbit /,
    '9600b': /write 9600bit /,
    '10GB/s': /are bytes: .*, here 80Gbit$/,
    '125 MBps': /are bytes: .*, here 1000Mbit$/,
    '1GiB/s': /are bytes: .*, here 8\.589934592Gbit$/,
    '10Gib': /powers of 1000: write 10Gbit$/,
    '10Gibit/s': /powers of 1000: write 10Gbit$/,
  };
  for (const [text, message] of Object.entries(meant)) {
    assert.throws(() => parseBitRate(text), { name: 'QuantityError', message }, text);
    const suggested = /(?:write|here) ([\d.]+[kMGT]?bit)/.exec(messageOf(() => parseBitRate(text)))![1]!;
    assert.ok(parseBitRate(suggested) > 0, suggested);
  }
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

test('ranges have a start, an end and perhaps a step', () => {
  assert.deepEqual(parseRange('1500', 576, 65_535), { from: 1500, to: 1500, step: 1 });
  assert.deepEqual(parseRange('1280..9000', 576, 65_535), { from: 1280, to: 9000, step: 1 });
  assert.deepEqual(parseRange(' 1280..9000:20 ', 576, 65_535), { from: 1280, to: 9000, step: 20 });
});

test('ranges that run backwards, out of bounds or nowhere are refused', () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    '9000..1500': /runs backwards: write 1500\.\.9000/,
    '575': /out of bounds: give 576 to 65535/,
    '1500..70000': /out of bounds/,
    '1500..9000:0': /step/,
    '1500-9000': /no number or range/,
    '1500..': /no number or range/,
    '15OO': /no number or range/,
    '99999999999999999999': /no number or range/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => parseRange(text, 576, 65_535), { name: 'QuantityError', message }, text);
  }
});

test('whatever is typed is understood or refused with a short message', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
      for (const parse of [parseBytes, parseBitRate, (each: string) => parseRange(each, 1, 100).to]) {
        try {
          assert.ok(Number.isFinite(parse(text)));
        } catch (error) {
          assert.ok(error instanceof QuantityError);
          assert.ok(error.message.length < 500);
        }
      }
    }),
    { seed: 1000, numRuns: 500 },
  );
});
