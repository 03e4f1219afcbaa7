import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseBitRate,
  parseByteRate,
  parseBytes,
  parseDuration,
  parsePacketCount,
  parsePageRate,
  parseRange,
  parseShare,
  QuantityError,
} from '../../../src/scenario/parse-quantity.js';
import fc from '../../fast-check.js';

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

test('rates of bytes are read as people write them', () => {
  const rates: Readonly<Record<string, number>> = {
    '128MiB/s': 134_217_728,
    '125MB/s': 125_000_000,
    '125 MBps': 125_000_000,
    '1.25GB/s': 1_250_000_000,
    '1GiB/s': 2 ** 30,
    '64kB/s': 64_000,
    '100 bytes/s': 100,
  };
  for (const [text, rate] of Object.entries(rates)) assert.equal(parseByteRate(text), rate, text);
});

test('rates of bytes that are sizes, bits or nothing say what to write', () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    '128MiB': /is a size: write 128MiB\/s$/,
    '1Gbit': /are bits: .*, here 0\.125GB\/s$/,
    '1000Mbit/s': /are bits: .*, here 125MB\/s$/,
    '400bit/s': /are bits: .*, here 50B\/s$/,
    '400Mb/s': /may be bits or bytes: write 400MB\/s, or 50MB\/s if it is bits$/,
    '128M': /may be bits or bytes/,
    '134217728': /has no unit/,
    '0MB/s': /no rate at all/,
    '128MiB/min': /unknown unit/,
    '0.3B/s': /no whole bytes/,
    fast: /no amount/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => parseByteRate(text), { name: 'QuantityError', message }, text);
  }
});

test('times are read in any unit, to the last decimal', () => {
  assert.equal(parseDuration('300ms', 'ms'), 300);
  assert.equal(parseDuration('300 ms', 'us'), 300_000);
  assert.equal(parseDuration('0.1ms', 'us'), 100);
  assert.equal(parseDuration('200us', 'us'), 200);
  assert.equal(parseDuration('200µs', 'us'), 200);
  assert.equal(parseDuration('60s', 'ms'), 60_000);
  assert.equal(parseDuration('2min', 'ms'), 120_000);
  assert.equal(parseDuration('1.5h', 'ms'), 5_400_000);
  assert.equal(parseDuration('1.1s', 'ns'), 1_100_000_000);
  assert.equal(parseDuration('500ns', 'us'), 0.5);
  assert.equal(parseDuration('0', 'ms'), 0);
});

test('times without unit, or in one that may be two, are refused', () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    '300': /has no unit/,
    '5m': /minutes or milliseconds: write 5min or 5ms$/,
    '5 days': /unknown unit/,
    '-5ms': /no amount/,
    '99999999999999h': /too long/,
    soon: /no amount/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => parseDuration(text, 'ms'), { name: 'QuantityError', message }, text);
  }
});

test('rates of writing are in pages or in bytes of memory', () => {
  const rates: Readonly<Record<string, number>> = {
    '2000pages/s': 2000,
    '2000 pages/s': 2000,
    '1 page/s': 1,
    '0.5pages/s': 0.5,
    '2000': 2000,
    '0': 0,
    '8MiB/s': 2048,
    '4096B/s': 1,
  };
  for (const [text, rate] of Object.entries(rates)) assert.equal(parsePageRate(text, 4096), rate, text);
  for (const text of ['2000packets', '2k', '-1', '']) {
    assert.throws(() => parsePageRate(text, 4096), { name: 'QuantityError' }, text);
  }
  assert.throws(() => parsePageRate('8MiB', 4096), /is a size: write 8MiB\/s/);
});

test('shares are percentages or fractions, and never more than the whole', () => {
  const shares: Readonly<Record<string, number>> = {
    '90%': 0.9,
    '0.07 %': 0.0007,
    '100%': 1,
    '0': 0,
    '0.9': 0.9,
    '.5': 0.5,
    '1': 1,
    '1e-6': 1e-6,
    '2.5E-3': 0.0025,
  };
  for (const [text, share] of Object.entries(shares)) assert.equal(parseShare(text), share, text);
  const wrong: Readonly<Record<string, RegExp>> = {
    '90': /more than the whole: write 90% if that is meant$/,
    '101%': /more than the whole: write a share/,
    '-1%': /no share/,
    '1e3': /no share/,
    most: /no share/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => parseShare(text), { name: 'QuantityError', message }, text);
  }
});

test('packets are counted in whole numbers from one on', () => {
  assert.equal(parsePacketCount('1000packets'), 1000);
  assert.equal(parsePacketCount('1 packet'), 1);
  assert.equal(parsePacketCount('1000'), 1000);
  for (const text of ['0', '1.5', '1MB', '-1', 'many']) {
    assert.throws(() => parsePacketCount(text), { name: 'QuantityError' }, text);
  }
});

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

const PARSERS: readonly ((text: string) => number)[] = [
  parseBytes,
  parseBitRate,
  parseByteRate,
  parseShare,
  parsePacketCount,
  (text) => parseDuration(text, 'us'),
  (text) => parsePageRate(text, 4096),
  (text) => parseRange(text, 1, 100).to,
];
/** Arbitrary text hardly ever is a number with a unit. */
const AMOUNTS = fc
  .tuple(fc.stringMatching(/^\d{0,400}\.?\d{1,5}$/), fc.stringMatching(/^[a-zA-Z/%µ]{0,5}$/))
  .map(([number, unit]) => `${number}${unit}`);

test('whatever is typed is understood or refused with a short message', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 200, unit: 'binary' }), AMOUNTS), (text) => {
      for (const parse of PARSERS) {
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
