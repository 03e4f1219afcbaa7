import type { LayerTotals } from '../../plan/layer-totals.js';
import { lineSeconds, type PlanResult } from '../../plan/plan-result.js';
import type { PlanSettings } from '../../plan/plan-settings.js';
import type { PlanRow } from '../../plan/rows.js';
import { payloadBytesOf, type TrafficTotals, type WhatIfReport } from '../../plan/what-if-report.js';

/** `tare.plan/1`, field by field as docs/FORMATS.md lists them; keys come in that order. */
export function planJson(result: PlanResult): object {
  const { settings, clear, rows, chosen, chosenClear, best, alternatives, advice, whatIf } = result;
  const row = (one: PlanRow): object => rowJson(one, settings);
  return {
    schema: 'tare.plan/1',
    request: requestJson(settings),
    asked: row(chosen),
    clear: row(chosenClear),
    best: row(best),
    rows: [...clear, ...rows].map(row),
    alternatives: alternatives.map((each) => ({
      name: each.name,
      title: each.title,
      mss: each.mssBytes,
      segments: each.segments,
      packets: each.packets,
      wireBytes: each.wireBytes,
      lineBytes: each.lineBytes,
      efficiency: each.efficiency,
      streamBytes: each.streamBytes,
      securityBytes: each.securityBytes,
      protects: each.protects,
      needs: each.needs,
      leavesVisible: each.leavesVisible,
      sources: each.sources,
    })),
    advice: advice.map(({ title, where, commands, caution }) => ({ title, where, commands, caution })),
    whatIf: whatIf === null ? null : whatIfJson(whatIf),
  };
}

function requestJson(settings: PlanSettings): object {
  const [asked, ...compared] = settings.protections;
  const named = ({ esp, ah, alike = [] }: PlanSettings['protections'][number]) => ({
    esp: esp?.name ?? null,
    ah: ah?.name ?? null,
    alike,
  });
  return {
    payloadBytes: settings.payloadBytes,
    linkBps: settings.linkBps,
    ...named(asked),
    mode: settings.mode,
    udpEncap: settings.udpEncap,
    esn: settings.esn,
    align4: settings.align4,
    family: settings.family,
    linkMtu: settings.linkMtus.map(({ from, to, step = 1 }) => ({ from, to, step })),
    mss: settings.mss === 'auto' ? 'auto' : { ...settings.mss },
    compare: compared.map(named),
  };
}

function rowJson(row: PlanRow, { payloadBytes, linkBps }: PlanSettings): object {
  return {
    esp: row.esp,
    ah: row.ah,
    mode: row.mode,
    udpEncap: row.udpEncap,
    family: row.family,
    linkMtu: row.linkMtuBytes,
    pathMtu: row.pathMtuBytes,
    mss: row.mssBytes,
    bestMss: row.bestMssBytes,
    payloadBytes,
    segments: row.segments,
    packets: row.packets,
    wireBytes: row.wireBytes,
    lineBytes: row.lineBytes,
    bytes: layerBytesJson(row.layers),
    efficiency: row.efficiency,
    fragmented: row.fragmented,
    idealSeconds: lineSeconds(row, linkBps),
  };
}

function whatIfJson({ paths, traffic, rows }: WhatIfReport): object {
  const { captured, resegmented, kept, flows, inferredPackets, superFrames } = traffic;
  return {
    inputs: paths,
    certainty: inferredPackets > 0 ? 'inferred' : 'measured',
    captured: totalsJson(captured),
    resegmented: {
      flows: flows.length,
      payloadBytes: payloadBytesOf(traffic),
      packets: resegmented.packets,
      wireBytes: resegmented.wireBytes,
      inferredPackets,
    },
    kept: {
      packets: captured.packets - resegmented.packets,
      wireBytes: captured.wireBytes - resegmented.wireBytes,
      packetsByReason: kept,
    },
    superFrames,
    rows: rows.map((row) => ({
      esp: row.esp,
      ah: row.ah,
      mode: row.mode,
      udpEncap: row.udpEncap,
      linkMtu: row.linkMtuBytes,
      mss: row.mssBytes ?? 'auto',
      ...totalsJson(row),
      packetChange: row.packets - captured.packets,
      wireByteChange: row.wireBytes - captured.wireBytes,
      fragmented: row.fragmented,
    })),
  };
}

function totalsJson({ packets, wireBytes, layers }: TrafficTotals): object {
  return { packets, wireBytes, layers: layersJson(layers) };
}

/** As in `tare.analysis/1`: sizes follow from the suite that was given. */
function layerBytesJson(layers: LayerTotals): object {
  const entries = Object.entries(layersJson(layers));
  return Object.fromEntries(entries.map(([layer, bytes]) => [layer, { bytes, certainty: 'inferred' }]));
}

/** Keys in the order of `tare.analysis/1`. */
function layersJson(layers: LayerTotals): LayerTotals {
  const { link, ip, udpEncap, ah, espHeader, espIv, espPadding, espTrailer, espIcv } = layers;
  const { innerIp, transport, payload, other } = layers;
  return {
    link,
    ip,
    udpEncap,
    ah,
    espHeader,
    espIv,
    espPadding,
    espTrailer,
    espIcv,
    innerIp,
    transport,
    payload,
    other,
  };
}
