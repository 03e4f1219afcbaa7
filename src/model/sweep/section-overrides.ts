import { applyOverrides, type Overrides } from '../../scenario/apply-overrides.js';
import type { Scenario } from '../../scenario/scenario.js';
import { ScenarioError } from '../../scenario/scenario-error.js';
import { fieldsNamed } from '../../scenario/scenario-fields.js';
import { SUITE_NAMES } from '../suite-names.js';

type Section = 'guest' | 'network' | 'ipsec' | 'migration' | 'hosts';
const SECTIONS: readonly string[] = ['guest', 'network', 'ipsec', 'migration', 'hosts'] satisfies Section[];

/** Of one scenario; more are calculated again. */
const MAX_REMEMBERED = 20_000;

/**
 * `applyOverrides` for a scenario that is changed thousands of times. A scenario's rules hold within its sections (scenario-rules.ts), so
 * that each section is read once for each of its settings, and not once for each point of the grid.
 */
export class SectionOverrides {
  readonly #scenario: Scenario;
  readonly #remembered = new Map<string, Scenario | ScenarioError>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** @throws ScenarioError for settings that cannot be; of the first section that has some */
  apply(settings: Overrides): Scenario {
    const bySection = settingsBySection(settings);
    // What is uncertain goes across sections.
    if (bySection === null || this.#scenario.uncertain !== undefined) {
      return applyOverrides(this.#scenario, settings, SUITE_NAMES);
    }
    let scenario = this.#scenario;
    for (const [section, own] of bySection) {
      scenario = { ...scenario, [section]: this.#changed(own)[section] };
    }
    return scenario;
  }

  #changed(settings: Overrides): Scenario {
    const key = JSON.stringify(settings);
    let changed = this.#remembered.get(key);
    if (changed === undefined) {
      changed = attempt(() => applyOverrides(this.#scenario, settings, SUITE_NAMES));
      if (this.#remembered.size < MAX_REMEMBERED) this.#remembered.set(key, changed);
    }
    if (changed instanceof ScenarioError) throw changed;
    return changed;
  }
}

/** Null if a setting is not of one section alone. */
function settingsBySection(settings: Overrides): Map<Section, Record<string, string>> | null {
  const sections = new Map<Section, Record<string, string>>();
  for (const [name, value] of Object.entries(settings)) {
    const names = new Set((fieldsNamed(name) ?? ['']).map((field) => field.split('.')[0]!));
    const [section = ''] = names;
    if (names.size !== 1 || !SECTIONS.includes(section)) return null;
    const own = sections.get(section as Section) ?? {};
    own[name] = value;
    sections.set(section as Section, own);
  }
  return sections;
}

function attempt(change: () => Scenario): Scenario | ScenarioError {
  try {
    return change();
  } catch (error) {
    if (error instanceof ScenarioError) return error;
    throw error;
  }
}
