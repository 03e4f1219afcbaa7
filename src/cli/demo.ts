import { statSync } from 'node:fs';
import type { Command } from 'commander';
import type { ExposedCapture, RebuiltMemory } from '../exposure/expose-capture.js';
import type { CaptureExposure, Exposure } from '../exposure/exposure.js';
import type { PlantedSecret } from '../exposure/planted-secrets.js';
import { reportBrokenInputs } from './broken-inputs.js';
import type { DemoRuns } from './demo-runs.js';
import { CliError, ExitCode } from './exit-code.js';
import { readInputText, STDIN } from './input-text.js';
import { collect, requireOneStdin } from './ipsec-options.js';
import { cannotWrite, StagedOutput, writeOutputFile } from './output-file.js';
import { ProgressLine } from './progress-line.js';
import { requireOtherFiles } from './report-files.js';
import { printMessage, reportWidth, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
Without --from: in a laboratory of its own, a guest with planted secrets
migrates twice, in the clear and in AES-128-CBC ESP inside AH, and its link is
listened to from outside.

Of captures: each as somebody without keys sees it; with --keys also as who has
them does. What was recovered is shown masked: how it begins and how long it is.
--show-secrets shows it. Memory beyond 64 MiB waits in a temporary file without
a name (in TMPDIR).

Examples:
  $ tare demo                        in the lab, clear against protected
  $ tare demo --from clear.pcap esp.pcap --keys sa.xfrm --secret-file known.txt
  $ tare demo --from clear.pcap --write-memory guest.img --html proof.html
  $ tare demo --from ah.pcap         AH alone hides nothing`;

interface DemoOptions {
  readonly from?: string[];
  readonly keys?: string[];
  readonly secretFile?: string;
  readonly showSecrets?: boolean;
  readonly writeMemory?: string;
  readonly lab?: string;
  readonly json?: boolean;
  readonly html?: string;
  readonly progress: boolean;
}

/** Beside each other in 80 columns. */
const MAX_CAPTURES = 3;
/** More than that are not lines of secrets. */
const MAX_SECRET_FILE_BYTES = 1 << 20;

/** `tare demo`: what an eavesdropper gets of a live migration, in the clear and protected. */
export function defineDemo(program: Command): void {
  program
    .command('demo')
    .summary('show what an eavesdropper gets, in the clear and under IPsec')
    .description(
      "Rebuilds a guest's memory from the packets of its live migration, looks for secrets in it, and does the same to a protected one.",
    )
    .option('--from <file...>', `captures of migrations, 1 to ${MAX_CAPTURES}, to compare; - for stdin`)
    .option('--keys <file>', '"ip xfrm state", esp_sa or "setkey -D" output; repeatable', collect)
    .option('--secret-file <file>', 'secrets to look for, one a line')
    .option('--show-secrets', 'show what was recovered as it is')
    .option('--write-memory <out>', "write the guest's main memory as it was rebuilt")
    .option('--lab <name>', 'a laboratory that "tare lab up" started; default: one of its own')
    .option('--json', 'print JSON (tare.exposure/1, see docs/FORMATS.md)')
    .option('--html <out>', 'write a page for a meeting, one file')
    .option('--no-progress', 'no progress on stderr')
    .addHelpText('after', EXAMPLES)
    .action(runDemo);
}

async function runDemo(options: DemoOptions): Promise<void> {
  requireSense(options);
  const secrets = await readSecrets(options.secretFile);
  if (options.from === undefined) {
    const { demoInLab } = await import('./demo-lab.js');
    return demoInLab({ ...options, lab: options.lab ?? null }, (runs) => show(runs, options));
  }
  const { readKeyFiles } = await import('./key-files.js');
  const associations = await readKeyFiles(options.keys ?? []);
  const runs = options.from.map((path) => ({ path, name: path === '-' ? 'stdin' : path, associations }));
  await show({ runs, secrets }, options);
}

/** @throws CliError (usage) */
function requireSense(options: DemoOptions): void {
  const { from, keys = [], secretFile, writeMemory, html, lab } = options;
  const inputs = [...(from ?? []), ...keys, ...(secretFile === undefined ? [] : [secretFile])];
  requireOneStdin(inputs);
  requireOtherFiles({ '--write-memory': writeMemory, '--html': html }, inputs);
  if (from === undefined) {
    for (const [option, value] of Object.entries({ '--keys': options.keys, '--secret-file': secretFile })) {
      if (value !== undefined)
        throw new CliError(ExitCode.usage, `${option} is for captures: give --from FILE`);
    }
    return;
  }
  if (lab !== undefined) throw new CliError(ExitCode.usage, 'give --lab or --from, not both');
  if (from.length > MAX_CAPTURES) {
    throw new CliError(
      ExitCode.usage,
      `--from compares up to ${MAX_CAPTURES} captures, these are ${from.length}`,
    );
  }
  const pipe = from.find(isPipe);
  if (pipe !== undefined && keys.length > 0) {
    throw new CliError(ExitCode.usage, `with --keys a capture is read twice: give a file, not ${pipe}`);
  }
}

function isPipe(path: string): boolean {
  try {
    return path === '-' || statSync(path).isFIFO();
  } catch {
    // Opening it will tell.
    return false;
  }
}

async function readSecrets(path: string | undefined): Promise<PlantedSecret[]> {
  if (path === undefined) return [];
  const { parseSecrets } = await import('../exposure/planted-secrets.js');
  const content = await readInputText(path, 'secrets from', MAX_SECRET_FILE_BYTES);
  try {
    return parseSecrets(content, path === STDIN ? 'stdin' : path);
  } catch (error) {
    if (error instanceof RangeError) throw new CliError(ExitCode.input, error.message, { cause: error });
    throw error;
  }
}

/** Looks at all captures, then writes and prints what there is to see. */
async function show({ runs, secrets }: DemoRuns, options: DemoOptions): Promise<void> {
  const image = options.writeMemory === undefined ? null : new MemoryImage(options.writeMemory);
  const exposed: ExposedCapture[] = [];
  try {
    for (const run of runs) exposed.push(await expose(run, secrets, options, image));
    image?.finish();
  } finally {
    image?.discard();
  }
  const exposure: Exposure = { schema: 'tare.exposure/1', captures: exposed.map((each) => each.exposure) };
  if (options.html !== undefined) {
    const { exposurePage } = await import('../report/exposure/exposure-page.js');
    const { renderHtml } = await import('../report/html/render-html.js');
    const secret = options.showSecrets === true;
    writeOutputFile(options.html, renderHtml(exposurePage(exposure)), { secret });
  }
  await print(exposure, options);
  if (options.showSecrets !== true && exposure.captures.some(hasRecovered)) {
    printMessage('what was recovered is masked: --show-secrets shows it');
  }
  reportBrokenInputs(exposed.map(({ input }) => input));
}

function hasRecovered({ eavesdropper, keyHolder }: CaptureExposure): boolean {
  const views = [eavesdropper, ...(keyHolder === null ? [] : [keyHolder])];
  return views.some(
    ({ memories, secrets }) =>
      memories.length > 0 || secrets.some(({ inPackets, acrossPackets }) => inPackets + acrossPackets > 0),
  );
}

async function expose(
  run: DemoRuns['runs'][number],
  secrets: readonly PlantedSecret[],
  { showSecrets, progress: isWanted }: DemoOptions,
  image: MemoryImage | null,
): Promise<ExposedCapture> {
  const { exposeCapture } = await import('../exposure/expose-capture.js');
  const { writeMemoryImage } = await import('../exposure/write-memory-image.js');
  const progress = new ProgressLine(process.stderr, isWanted);
  try {
    return await exposeCapture({
      ...run,
      secrets,
      showSecrets: showSecrets === true,
      onProgress: (state) => progress.update(state),
      ...(image !== null && { takeMemory: (memory) => image.take(memory, writeMemoryImage) }),
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { name, message } = error;
    if (name === 'CaptureOpenError') throw new CliError(ExitCode.input, message, { cause: error });
    if (name === 'PageStoreError') throw new CliError(ExitCode.environment, message, { cause: error });
    throw error;
  } finally {
    progress.clear();
  }
}

/** The file of --write-memory: of several captures, the first one whose memory could be rebuilt. */
class MemoryImage {
  readonly #path: string;
  readonly #staged: StagedOutput;
  #about: string | null = null;

  constructor(path: string) {
    this.#path = path;
    this.#staged = new StagedOutput(path);
  }

  take(memory: RebuiltMemory, write: (memory: RebuiltMemory, path: string) => number): void {
    if (this.#about !== null) return;
    try {
      write(memory, this.#staged.path);
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
    const { block, bytes, knownBytes } = memory;
    this.#about = `${block}, ${bytes} bytes, ${knownBytes} of them known, the others zero`;
  }

  finish(): void {
    if (this.#about === null) {
      printMessage(`${this.#path}: not written, because no memory could be rebuilt`);
      return;
    }
    this.#staged.commit();
    printMessage(`${this.#path}: ${this.#about}`);
  }

  discard(): void {
    this.#staged.discard();
  }
}

async function print(exposure: Exposure, { json }: DemoOptions): Promise<void> {
  if (json) {
    const { renderJson } = await import('../report/render-json.js');
    return writeOut(renderJson(exposure));
  }
  const { renderExposure } = await import('../report/exposure/render-exposure.js');
  const width = reportWidth(process.stdout, process.env);
  await writeOut(renderExposure(exposure, { width, color: wantsColor(process.stdout, process.env) }));
}
