/** Tare as a library. Everything the command line does goes through these. */
export type * from './analysis/analysis-summary.js';
export { CaptureAnalysis } from './analysis/capture-analysis.js';
export {
  type Finding,
  type FindingEvidence,
  SEVERITIES,
  type Severity,
} from './analysis/findings/finding.js';
export type { RowSink } from './analysis/frame-walk.js';
export type { IpsecKnowledge } from './analysis/known-ipsec.js';
export { profileTap, type TapProfile } from './analysis/tap-profile.js';
export { CaptureOpenError } from './capture/capture-open-error.js';
export { CaptureSource, openCapture, openCaptureStream } from './capture/capture-source.js';
export { LiveCaptureError } from './capture/live/live-capture-error.js';
export { LiveSource, type LiveSourceOptions, listInterfaces } from './capture/live/live-source.js';
export { LiveWriteError, LiveWriter, type RingLimits } from './capture/live/live-writer.js';
export { PcapngWriter } from './capture/pcapng-writer.js';
export { type ExposeRequest, exposeCapture } from './exposure/expose-capture.js';
export type * from './exposure/exposure.js';
export { GuestMemory } from './exposure/guest-memory.js';
export { PageStore } from './exposure/page-store.js';
export { PlantedSecret } from './exposure/planted-secrets.js';
export { writeMemoryImage } from './exposure/write-memory-image.js';
export { datagramSizes, espSizes } from './ipsec/encapsulation-size.js';
export { importSecurityAssociations } from './ipsec/import/import-security-associations.js';
export { renderEspSa } from './ipsec/import/render-esp-sa.js';
export { KeyedOpener } from './ipsec/open/keyed-opener.js';
export { SaTable } from './ipsec/sa-table.js';
export { SecurityAssociation } from './ipsec/security-association.js';
export { parseAhSuite, parseEspSuite } from './ipsec/suite.js';
export { AH_SUITES, type AhSuite, ESP_SUITES, type EspSuite } from './ipsec/suite-table.js';
export { MigrationObserver } from './migration/migration-observer.js';
export type * from './migration/migration-record.js';
export { CalibrationError } from './model/calibration/calibration.js';
export { learnGuest, type RecordedMigration } from './model/learn/learn-guest.js';
export { ModelError } from './model/model-error.js';
export { type Level, type PredictOptions, predict } from './model/predict.js';
export { SUITE_NAMES } from './model/suite-names.js';
export { type LiveInput, LiveMonitor, type LiveMonitorOptions } from './monitor/live-monitor.js';
export type * from './monitor/live-snapshot.js';
export { Decoder } from './packet/decode.js';
export { FrameBlock } from './packet/frame-block.js';
export type { IpsecOpener } from './packet/ipsec-opener.js';
export { LAYER_STRIDE, Layer, type LayerName } from './packet/layers.js';
export {
  ERROR_LAYERS,
  Integrity,
  NONE,
  PacketBatch,
  PacketError,
  PacketFlag,
} from './packet/packet-batch.js';
export { analyzeFiles } from './pipeline/analyze-files.js';
export type { AnalyzeProgress, AnalyzeRequest } from './pipeline/analyze-request.js';
export { observeFiles } from './pipeline/observe-files.js';
export { writeDecrypted } from './pipeline/write-decrypted.js';
export { calculatePlan, type PlanResult } from './plan/plan-result.js';
export type { PlanProtection, PlanSettings } from './plan/plan-settings.js';
export { type PlanRequest, type PlanRow, planRows } from './plan/rows.js';
export { reportWhatIf } from './plan/what-if-report.js';
export { renderAnalysis } from './report/analysis/render-analysis.js';
export { renderExposure } from './report/exposure/render-exposure.js';
export { renderJson } from './report/render-json.js';
export { renderRun } from './report/run/render-run.js';
export { renderValidation } from './report/validation/render-validation.js';
export { compareRuns } from './result/compare-runs.js';
export { parseRunResult } from './result/parse-run-result.js';
export { parseValidation } from './result/parse-validation.js';
export type * from './result/run-result.js';
export type { Validation, ValidationCase } from './result/validation.js';
export { applyOverrides } from './scenario/apply-overrides.js';
export { parseNamedScenario, parseScenario } from './scenario/parse-scenario.js';
export { renderScenario } from './scenario/render-scenario.js';
export type * from './scenario/scenario.js';
export { ScenarioError } from './scenario/scenario-error.js';
