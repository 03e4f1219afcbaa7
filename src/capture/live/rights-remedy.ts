/** What to do without the right to capture; the drawbacks are for whoever chooses to know. */
export function rightsRemedy(device: string, node: string = process.execPath): string {
  return [
    'Any of these helps:',
    '  sudo tare capture ...          rights are given up again once the interface is open',
    `  sudo setcap cap_net_raw,cap_net_admin=eip ${node}`,
    '                                 for good, but for every program that this node runs, whoever runs it',
    `  dumpcap -i ${device} -w - | tare analyze -`,
    '                                 as a member of the group wireshark (sudo usermod -aG wireshark $USER)',
  ].join('\n');
}
