import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkTypeName } from '../../../src/capture/link-type-name.js';
import { requireTool, runTool } from '../../tool.js';
import { pcapBytes } from './capture-bytes.js';

test('names link types as tcpdump does', (t) => {
  if (!requireTool(t, 'tcpdump')) return;
  for (let linkType = 0; linkType < 280; linkType++) {
    const name = linkTypeName(linkType);
    if (name.startsWith('LINKTYPE_')) continue;
    const { stderr } = runTool('tcpdump', ['-r', '-'], { input: pcapBytes({ linkType }, []) });
    assert.match(stderr, new RegExp(`link-type ${name} `), String(linkType));
  }
});

test('gives the number of a link type without a name', () => {
  assert.equal(linkTypeName(147), 'LINKTYPE_147');
});
