import { readUint32 } from './big-endian.js';
import { FooterScan } from './footer-scan.js';
import type { MainEvents } from './main-events.js';
import type { RamBlocks } from './ram-blocks.js';
import type { RamSection } from './ram-section.js';
import { RAM_SECTION, SectionType } from './section-type.js';
import { Found, forEachRun, StreamFinder } from './stream-finder.js';
import {
  INVALID,
  isStreamStart,
  MAX_HEADER_BYTES,
  readSectionHeader,
  type SectionHeader,
  STREAM_HEADER_BYTES,
} from './stream-header.js';
import type { StreamConsumer } from './tcp-stream.js';
import { DescriptionReader, type DeviceState } from './vm-description.js';

/*
 * Theory of operation. The main connection of a QEMU migration, read section by section (QEMU migration/savevm.c:
 * qemu_loadvm_state_main):
 *
 *   "QEVM", version 3 | configuration | START ram: list of blocks | PART ram: pages ... | END ram: pages |
 *   FULL device ... | EOF | description
 *
 * RAM's content has lengths throughout. A device's state has none: what it consists of only the device knows, and the
 * description that tells sizes comes last. But QEMU writes a footer, 0x7e and the section's id, behind each section. So a
 * device's state is skipped by looking for its footer, and the footer is believed if what comes behind it can follow it:
 * another section's header with a printable name, a section that was begun, EOF with or without a description. Where it is not
 * believed, the search goes on from the byte behind. The sizes found are held against the description when it comes.
 *
 * Chunks may end anywhere. Section headers are collected in `scratch`; RAM is read where it lies.
 */

const Mode = {
  fileHeader: 0,
  section: 1,
  configuration: 2,
  ram: 3,
  device: 4,
  description: 5,
  lost: 6,
  ended: 7,
} as const;

/** What a header's parser answers besides "need that many bytes" and INVALID. */
const DONE = 0;

/** What comes before devices alone, or was the footer itself. */
const NEVER_BEHIND_DEVICES: readonly number[] = [
  SectionType.footer,
  SectionType.configuration,
  SectionType.subsection,
];
const MAX_SECTIONS = 4096;
const MAX_DEVICES = 4096;
/** A chain of headers is not looked for across larger gaps. */
const MAX_SEARCHED_GAP = 1 << 14;
/** EOF, type, length. */
const DESCRIPTION_HEADER_BYTES = 6;

/** Reads the main connection's stream. */
export class QemuStream implements StreamConsumer {
  machine: string | null = null;
  /** Bytes up to now, gaps included. */
  position = 0;
  gapCount = 0;
  gapBytes = 0;
  /** How often headers were lost, and found again. */
  lostCount = 0;
  foundCount = 0;
  /** The stream told its end. */
  isEnded = false;
  readonly devices: DeviceState[] = [];
  /** What the description says; null if it was not seen. */
  described: DeviceState[] | null = null;
  readonly ram: RamSection;
  private readonly blocks: RamBlocks;
  private readonly events: MainEvents;
  /** Made when it is needed: it takes 400 KB. */
  private finder: StreamFinder | null = null;
  /** Section id of RAM; -1: not known. */
  private ramId = -1;
  private readonly footer = new FooterScan();
  /** Section id -> whether it is RAM. */
  private readonly sections = new Map<number, boolean>();
  private mode: number = Mode.fileHeader;
  private readonly scratch = new Uint8Array(MAX_HEADER_BYTES);
  private have = 0;
  private need = STREAM_HEADER_BYTES;
  /** The section header being read came behind a footer that may be none. */
  private isTentative = false;
  private headerPosition = 0;
  private ramType: number = SectionType.start;
  private isRamOver = false;
  /** What was lost was lost within RAM's content. */
  private isInRam = false;
  private bodyPosition = 0;
  private readonly description = new DescriptionReader();

  constructor(blocks: RamBlocks, ram: RamSection, events: MainEvents) {
    this.blocks = blocks;
    this.ram = ram;
    this.events = events;
  }

  /** The capture begins in the middle of the stream: looks for pages to hold on to. */
  beginInMiddle(): void {
    this.ram.mayContinue = true;
    this.lose();
  }

  data(data: Uint8Array, offset: number, length: number, timeNs: number): void {
    const { ram } = this;
    ram.timeNs = timeNs;
    this.events.time(timeNs);
    // Most segments hold nothing but a part of a page.
    if (this.mode === Mode.ram && ram.skipWithin(length)) this.position += length;
    else this.consume(data, offset, offset + length);
  }

  gap(bytes: number, timeNs: number): void {
    this.events.time(timeNs);
    this.gapCount += 1;
    this.gapBytes += bytes;
    this.skip(bytes);
  }

  /** Leaves bytes out that were not captured. */
  private skip(bytes: number): void {
    this.position += bytes;
    switch (this.mode) {
      case Mode.ram:
        if (!this.ram.skipGap(bytes)) this.lose();
        return;
      case Mode.device:
        this.footer.resume();
        return;
      case Mode.description:
        this.description.skip(bytes);
        this.endDescription();
        return;
      case Mode.lost:
        this.searchOverGap(bytes);
        return;
      case Mode.ended:
        return;
      default:
        this.lose();
    }
  }

  /** Call when there is no more data. */
  finish(): void {
    if (this.mode === Mode.lost) this.find(true);
  }

  private consume(data: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      switch (this.mode) {
        case Mode.ram:
          at = this.readRam(data, at, to);
          break;
        case Mode.device:
          at = this.readDevice(data, at, to);
          break;
        case Mode.description:
          at = this.readDescription(data, at, to);
          break;
        case Mode.lost:
          at = this.readLost(data, at, to);
          break;
        case Mode.ended:
          this.position += to - at;
          return;
        default:
          at = this.readHeader(data, at, to);
      }
    }
  }

  private readRam(data: Uint8Array, at: number, to: number): number {
    const { ram } = this;
    const next = ram.read(data, at, to, this.position);
    this.position += next - at;
    if (ram.isLost) this.lose();
    else if (ram.isDone) this.endRam();
    return next;
  }

  private endRam(): void {
    const isEnd = this.ramType === SectionType.end;
    this.events.ramSectionEnd(this.ramType, this.position - this.bodyPosition, this.position);
    if (isEnd) this.isRamOver = true;
    this.startHeader(Mode.section, 1);
  }

  private readDevice(data: Uint8Array, at: number, to: number): number {
    const next = this.footer.read(data, at, to);
    this.position += next - at;
    if (this.footer.isFound) {
      this.startHeader(Mode.section, 1);
      this.isTentative = true;
    }
    return next;
  }

  private startHeader(mode: number, need: number): void {
    this.mode = mode;
    this.have = 0;
    this.need = need;
    this.isTentative = false;
  }

  /** Collects a header byte by byte: they are rare. */
  private readHeader(data: Uint8Array, from: number, to: number): number {
    let at = from;
    const { scratch } = this;
    if (this.have === 0) this.headerPosition = this.position;
    while (at < to && this.have < this.need) {
      scratch[this.have++] = data[at++]!;
      this.position += 1;
    }
    if (this.have < this.need) return at;
    const need = this.parseHeader();
    if (need > DONE) this.need = need;
    else if (need === INVALID) this.rejectHeader();
    return at;
  }

  private rejectHeader(): void {
    if (!this.isTentative) {
      this.lose();
      return;
    }
    // The footer was none: its bytes and those behind it belong to the device.
    const bytes = this.scratch.slice(0, this.have);
    this.position -= bytes.length;
    this.startHeader(Mode.device, 0);
    this.footer.resume();
    this.consume(bytes, 0, bytes.length);
  }

  /** @returns how many bytes of the header are needed to go on; DONE; INVALID */
  private parseHeader(): number {
    switch (this.mode) {
      case Mode.fileHeader:
        return this.parseFileHeader();
      case Mode.configuration:
        return this.parseConfiguration();
      default:
        return this.parseSection();
    }
  }

  private parseFileHeader(): number {
    if (!isStreamStart(this.scratch, 0)) return INVALID;
    this.startHeader(Mode.section, 1);
    return DONE;
  }

  private parseSection(): number {
    const type = this.scratch[0]!;
    if (this.isRamOver && type !== SectionType.footer) this.events.deviceStart(this.headerPosition);
    if (type !== SectionType.footer) this.isRamOver = false;
    if (type === SectionType.eof) return this.parseEnd();
    if (this.isTentative && NEVER_BEHIND_DEVICES.includes(type)) return INVALID;
    const header = readSectionHeader(this.scratch, this.have);
    return typeof header === 'number' ? header : this.enterSection(type, header);
  }

  private enterSection(type: number, header: SectionHeader): number {
    switch (header.kind) {
      case 'named':
        this.startSection(type, header.id, header.name, header.instance);
        return DONE;
      case 'continued':
        return this.resumeSection(type, header.id);
      case 'footer':
        this.startHeader(Mode.section, 1);
        this.endFooter();
        return DONE;
      case 'configuration':
        this.startHeader(Mode.configuration, header.machineBytes);
        if (header.machineBytes === 0) this.startHeader(Mode.section, 1);
        return DONE;
      case 'subsection':
        if (header.pageBytes !== null) this.blocks.pageBytes = header.pageBytes;
        this.startHeader(Mode.section, 1);
        return DONE;
      default:
        this.endDevice();
        this.events.command(header.command, this.headerPosition);
        this.startHeader(Mode.section, 1);
        return DONE;
    }
  }

  private endFooter(): void {
    if (!this.isRamOver) return;
    this.isRamOver = false;
    this.events.deviceStart(this.position);
  }

  /** START and FULL. */
  private startSection(type: number, id: number, name: string, instance: number): void {
    this.endDevice();
    const isRam = name === RAM_SECTION;
    if (type === SectionType.start && this.sections.size < MAX_SECTIONS) this.sections.set(id, isRam);
    if (isRam) {
      this.ramId = id;
      this.startRam(type);
      return;
    }
    if (this.devices.length < MAX_DEVICES) this.devices.push({ name, instance, bytes: 0 });
    this.startDevice(id);
  }

  /** PART and END of a section that was begun. */
  private resumeSection(type: number, id: number): number {
    let isRam = this.sections.get(id);
    if (isRam === undefined && this.ramId < 0 && this.ram.mayContinue) {
      this.ramId = id;
      this.sections.set(id, true);
      isRam = true;
    }
    if (isRam === undefined) return INVALID;
    this.endDevice();
    if (isRam) this.startRam(type);
    else this.startDevice(id);
    return DONE;
  }

  private startRam(type: number): void {
    this.startHeader(Mode.ram, 0);
    this.ramType = type;
    this.bodyPosition = this.position;
    this.ram.begin();
    this.events.ramSectionStart(type, this.headerPosition);
  }

  private startDevice(id: number): void {
    this.startHeader(Mode.device, 0);
    this.bodyPosition = this.position;
    this.footer.begin(id);
  }

  /** A section behind a footer that was looked for: the footer was one, and the device's state ends before it. */
  private endDevice(): void {
    const device = this.devices[this.devices.length - 1];
    if (this.isTentative && device !== undefined && device.bytes === 0) {
      device.bytes = this.headerPosition - 5 - this.bodyPosition;
    }
  }

  private parseConfiguration(): number {
    this.machine = Buffer.from(this.scratch.subarray(0, this.have)).toString('latin1');
    this.startHeader(Mode.section, 1);
    return DONE;
  }

  /** EOF, and the description if one follows. */
  private parseEnd(): number {
    const { scratch, have } = this;
    this.isEnded = true;
    if (have < 2) {
      this.endDevice();
      return 2;
    }
    if (scratch[1] !== SectionType.vmDescription) {
      this.isEnded = !this.isTentative;
      if (this.isTentative) return INVALID;
      this.mode = Mode.ended;
      return DONE;
    }
    if (have < DESCRIPTION_HEADER_BYTES) return DESCRIPTION_HEADER_BYTES;
    const length = readUint32(scratch, 2);
    this.events.descriptionStart(this.headerPosition + 1);
    this.description.begin(length);
    this.mode = Mode.description;
    this.endDescription();
    return DONE;
  }

  private readDescription(data: Uint8Array, at: number, to: number): number {
    const count = this.description.read(data, at, to);
    this.position += count;
    this.endDescription();
    return at + count;
  }

  private endDescription(): void {
    if (!this.description.isDone) return;
    this.mode = Mode.ended;
    this.described = this.description.devices;
  }

  /** Headers are not where they should be, or were not captured. */
  private lose(): void {
    this.lostCount += 1;
    this.isInRam = this.mode === Mode.ram;
    this.mode = Mode.lost;
    this.finder ??= new StreamFinder();
    this.finder.begin(this.blocks, this.ramId);
  }

  private readLost(data: Uint8Array, at: number, to: number): number {
    const count = this.finder!.push(data, at, to);
    this.position += count;
    this.find(false);
    return at + count;
  }

  /** The gap's position is counted already. */
  private searchOverGap(bytes: number): void {
    if (bytes > MAX_SEARCHED_GAP) {
      this.finder!.reset();
      return;
    }
    for (let left = bytes; left > 0; ) {
      const count = this.finder!.pushGap(left);
      left -= count;
      this.position -= left;
      this.find(false);
      if (this.mode !== Mode.lost) {
        if (left > 0) this.skip(left);
        return;
      }
      this.position += left;
    }
  }

  private find(isEnd: boolean): void {
    const finder = this.finder!;
    const found = finder.search(isEnd);
    if (found === Found.nothing) return;
    const bytes = finder.window.slice(finder.foundAt, finder.have);
    const present = finder.present.slice(finder.foundAt, finder.have);
    finder.reset();
    this.position -= bytes.length;
    this.foundCount += 1;
    if (found === Found.pages) {
      if (!this.isInRam) {
        this.ramType = SectionType.part;
        this.bodyPosition = this.position;
      }
      this.startHeader(Mode.ram, 0);
      this.ram.mayContinue = true;
      this.ram.begin();
      this.events.resumed(this.position);
    } else {
      this.startHeader(Mode.section, 1);
    }
    // Reads on in what was collected while nothing made sense.
    forEachRun(present, (from, to, isPresent) => {
      if (isPresent) this.consume(bytes, from, to);
      else this.skip(to - from);
    });
  }
}
