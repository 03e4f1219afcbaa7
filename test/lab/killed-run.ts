/**
 * A run that is killed: `node killed-run.js LAB STEP JOURNALS SCENARIO`. Runs as if between two real hosts (captures on them, MTU,
 * offloads and routes of their own) until a step is done, then SIGKILLs itself, as nothing that can be handled does.
 */
import { attachLab } from '../../src/orchestrator/lab/open-lab.js';
import { labPlace } from '../../src/orchestrator/open-place.js';
import { RUN_STEPS, runMigration } from '../../src/orchestrator/run-migration.js';
import type { RunContext } from '../../src/orchestrator/steps/run-context.js';
import type { Step } from '../../src/orchestrator/steps/step.js';
import type { Scenario } from '../../src/scenario/scenario.js';

const [labName = '', lastStep = '', journalFolder = '', scenarioText = ''] = process.argv.slice(2);

function killAfter(step: Step<RunContext>): Step<RunContext> {
  return {
    ...step,
    async perform(context, undo, signal) {
      await step.perform(context, undo, signal);
      process.kill(process.pid, 'SIGKILL');
    },
  };
}

const scenario = JSON.parse(scenarioText) as Scenario;
const lab = await attachLab(labName);
const { lab: _, ...place } = labPlace(lab, labName, scenario.network.family);
await runMigration(scenario, place, {
  journalFolder,
  steps: RUN_STEPS.map((step) => (step.name === lastStep ? killAfter(step) : step)),
});
