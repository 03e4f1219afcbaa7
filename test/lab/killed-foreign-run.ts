/** A run with a guest that is there, to be killed: `node killed-foreign-run.js LAB JOURNALS SCENARIO`. */
import { attachLab } from '../../src/orchestrator/lab/open-lab.js';
import { labPlace } from '../../src/orchestrator/open-place.js';
import { runMigration } from '../../src/orchestrator/run-migration.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { QMP_GUEST } from './foreign-qemu.js';

const [labName = '', journalFolder = '', scenarioText = ''] = process.argv.slice(2);
const scenario = JSON.parse(scenarioText) as Scenario;
const lab = await attachLab(labName);
const place = labPlace(lab, labName, scenario.network.family);
await runMigration(scenario, place, { journalFolder, guest: QMP_GUEST });
