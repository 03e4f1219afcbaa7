// npm run demo
//
// Works as the first command in a fresh clone: installs, compiles, then shows what Tare says about captures of real
// IPsec traffic that come with it, and predicts.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { prepare, ROOT, runAsScript } from './prepare.mjs';

const IPSEC = 'captures/ipsec';
const MIGRATION = 'captures/migration';

/** @type {{ about: string, args: string[] }[]} */
const STEPS = [
  {
    about: 'What IPsec costs: AH over ESP, AES-128-CBC with SHA-1, opened with the keys the kernel had',
    args: ['analyze', `${IPSEC}/t4-ah-esp-cbc-sha1.pcap`, '--keys', `${IPSEC}/t4-ah-esp-cbc-sha1.xfrm`],
  },
  {
    about: 'The same wire without keys: what cannot be measured is inferred, and says so',
    args: ['analyze', `${IPSEC}/t4-ah-esp-cbc-sha1.pcap`],
  },
  {
    about: 'A live migration of a virtual machine through AES-128-GCM',
    args: ['analyze', `${MIGRATION}/ms-gcm-1500.pcap`, '--keys', `${MIGRATION}/ms-gcm-1500.xfrm`],
  },
  {
    about: 'Packet by packet: a tunnel through UDP, seen by a tap that gets decapsulated copies too',
    args: [
      'packets',
      `${IPSEC}/tun4-natt-cbc-sha256.pcap`,
      '--range',
      '1-12',
      '--keys',
      `${IPSEC}/tun4-natt-cbc-sha256.xfrm`,
    ],
  },
  {
    about: 'What that migration would have cost with other suites and MTUs',
    args: [
      'plan',
      '--from',
      `${MIGRATION}/ms-gcm-1500.pcap`,
      '--keys',
      `${MIGRATION}/ms-gcm-1500.xfrm`,
      '--esp',
      'aes128gcm16',
      '--mtu',
      '1500,9000',
      '--compare',
      'aes128-sha256',
    ],
  },
  { about: 'What each cipher suite adds to a packet', args: ['suites'] },
  {
    about:
      'The virtual machine of a migration recorded in the clear: what IPsec would make of it on hosts like these',
    args: [
      'predict',
      '--from',
      `${MIGRATION}/m-clear-idle.pcap.gz`,
      '--esp',
      'aes128-sha256',
      '--ah',
      'sha256',
    ],
  },
  {
    about: 'How busy a guest may be: a grid of write rates and protections, each predicted',
    args: [
      'sweep',
      'build-server',
      '--grid',
      'rate=20000..36000:4000',
      '--grid',
      'esp=none,aes128gcm16,aes128-sha256',
    ],
  },
];

const NEXT = `Next, on captures and machines of your own:

  node dist/src/cli/main.js analyze FILE.pcap               pcap, pcapng, gzip or not
  node dist/src/cli/main.js analyze FILE.pcap --keys FILE   keys from: ip xfrm state
  node dist/src/cli/main.js analyze FILE.pcap --html OUT    a report with charts
  node dist/src/cli/main.js plan --mtu 1500,9000            before anything is set up
  node dist/src/cli/main.js predict office-vm --esp aes128gcm16 --mtu 9000
  node dist/src/cli/main.js doctor                          what this machine can do
  node dist/src/cli/main.js --help

npm link puts it into your PATH as tare.
`;

function main() {
  if (!prepare()) return 1;
  for (const { about, args } of STEPS) {
    console.log(`\n# ${about}\n$ tare ${args.join(' ')}\n`);
    const child = spawnSync(execPath, [join(ROOT, 'dist/src/cli/main.js'), ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (child.status !== 0) {
      console.error(`tare ${args[0]} ended with ${child.signal ?? `exit code ${child.status}`}`);
      return 1;
    }
  }
  console.log(`\n${NEXT}`);
  return 0;
}

await runAsScript(main);
