import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { parseIpAddress } from '../../../src/ipsec/ip-address.js';
import { SaTable } from '../../../src/ipsec/sa-table.js';
import {
  SecurityAssociation,
  type SecurityAssociationFields,
} from '../../../src/ipsec/security-association.js';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';

const KEY = Buffer.from('deadbeef0badcafe5ca1ab1e0ddba11a', 'hex');
const AUTH_KEY = Buffer.from('feedface'.repeat(8), 'hex');

function association(fields: Partial<SecurityAssociationFields> = {}): SecurityAssociation {
  return new SecurityAssociation({
    suite: parseEspSuite('aes128-sha256'),
    spi: 0x1234,
    encryptionKey: KEY,
    integrityKey: AUTH_KEY,
    ...fields,
  });
}

/** Every way in which bytes are commonly printed. */
const SPELLINGS = [KEY, AUTH_KEY].flatMap((key) => [
  key.toString('hex').slice(0, 8),
  key.toString('base64').slice(0, 8),
  [...key.subarray(0, 4)].join(','),
  [...key.subarray(0, 4)].join(', '),
  `${key.subarray(0, 4).toString('hex').match(/../g)!.join(' ')}`,
]);

test('no way of printing an association or a table shows a key', () => {
  const sa = association();
  const table = new SaTable([sa]);
  for (const value of [sa, table, [sa], { sa }, sa.encryptionKey, sa.integrityKey]) {
    const printed = [
      inspect(value, { depth: null, showHidden: true }),
      inspect(value, { showProxy: true, getters: true, depth: 9, customInspect: false }),
      JSON.stringify(value),
      String(value),
      `${value}`,
      format('%o %O %j %s', value, value, value, value),
      JSON.stringify(structuredClone({ ...sa, encryptionKey: null, integrityKey: null })),
      JSON.stringify(Object.entries(sa.encryptionKey!)),
    ];
    for (const text of printed) {
      for (const spelling of SPELLINGS) assert.ok(!text.includes(spelling), 'a key was printed');
    }
  }
  assert.match(inspect(sa), /\[secret: 16 bytes\]/);
});

test('a clone of key material holds no key', () => {
  assert.deepEqual(Object.keys(structuredClone(association().encryptionKey!)), []);
});

test('keys are copied, so that the caller may wipe its own', () => {
  const key = Buffer.from(KEY);
  const sa = association({ encryptionKey: key });
  key.fill(0);
  assert.deepEqual(Buffer.from(sa.encryptionKey!.bytes()), KEY);
});

test('an association survives the way to a worker with all it holds', () => {
  const sa = association({
    family: 4,
    source: parseIpAddress('10.0.0.1'),
    destination: parseIpAddress('10.0.0.2'),
    mode: 'tunnel',
    esn: true,
    sequenceHigh: 7,
    sequenceLow: 0xffff_fff0,
    udpEncap: { sourcePort: 4500, destinationPort: 4501 },
    align4: true,
  });
  const back = SecurityAssociation.fromWorker(structuredClone(sa.exportForWorker()));
  assert.deepEqual(back.exportForWorker(), sa.exportForWorker());
  assert.ok(back.hasKeys);
  const table = SaTable.fromWorker(structuredClone(new SaTable([sa]).exportForWorker()));
  assert.deepEqual(table.associations[0]!.exportForWorker(), sa.exportForWorker());
});

test('a key that does not fit the suite is refused by length, without its bytes', () => {
  assert.throws(
    () => association({ encryptionKey: KEY.subarray(1) }),
    (error: Error) => error instanceof RangeError && /15 bytes.*takes 16/.test(error.message),
  );
  const gcm = { suite: parseEspSuite('aes128gcm16'), integrityKey: null };
  assert.throws(() => association({ ...gcm, encryptionKey: KEY }), /takes 20 \(salt included\)/);
  assert.throws(() => association({ suite: parseAhSuite('aesxcbc'), encryptionKey: null }), /takes 16/);
});

test('an association knows whether its keys are all there', () => {
  assert.ok(association().hasKeys);
  assert.ok(!association({ encryptionKey: null }).hasKeys);
  assert.ok(!association({ integrityKey: null }).hasKeys);
  const nullSuite = { suite: parseEspSuite('null-sha256'), encryptionKey: null };
  assert.ok(association(nullSuite).hasKeys);
  assert.equal(association().icvBits, 128);
});
