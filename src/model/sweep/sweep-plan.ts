import { createHash } from 'node:crypto';
import type { Scenario } from '../../scenario/scenario.js';
import { ScenarioError } from '../../scenario/scenario-error.js';
import { fieldsNamed, shortFieldNames, suggestField } from '../../scenario/scenario-fields.js';
import { deriveSeed } from '../derive-seed.js';
import type { PredictOptions } from '../predict.js';
import { type GridAxis, GridError } from './grid-axis.js';
import { SectionOverrides } from './section-overrides.js';
import type { SweepHeader } from './sweep-file.js';

/** What is swept: plain data, the same for every worker. */
export interface SweepRequest extends PredictOptions {
  /** Names are unique. */
  readonly scenarios: readonly Scenario[];
  /** As `gridAxes` returns them. */
  readonly axes: readonly GridAxis[];
}

export interface SweepPoint {
  readonly index: number;
  readonly scenario: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** More is taken for a mistake: days of work, and a file of gigabytes. */
const MAX_POINTS = 1_000_000;
/** Values of an axis that are tried before anything is calculated. */
const TRIED_VALUES = 200;
const TRIED_POINTS = 20;

/**
 * The points of a sweep in their defined order: scenario by scenario, and in each the last axis changes with every point. A
 * point's seed follows from the scenario's seed and from what the point is called, so that it stays the same in a larger grid.
 */
export class SweepPlan {
  readonly request: SweepRequest;
  readonly points: number;
  readonly #pointsPerScenario: number;
  readonly #overrides: readonly SectionOverrides[];

  constructor(request: SweepRequest) {
    this.request = request;
    this.#pointsPerScenario = request.axes.reduce((product, { values }) => product * values.length, 1);
    this.points = this.#pointsPerScenario * request.scenarios.length;
    this.#overrides = request.scenarios.map((scenario) => new SectionOverrides(scenario));
  }

  point(index: number): SweepPoint {
    const { axes } = this.request;
    const settings: [string, string][] = [];
    let rest = index % this.#pointsPerScenario;
    for (const { name, values } of axes.toReversed()) {
      settings.push([name, values[rest % values.length]!]);
      rest = Math.floor(rest / values.length);
    }
    return { index, scenario: this.#base(index).name, settings: Object.fromEntries(settings.reverse()) };
  }

  /** @throws ScenarioError for settings that exclude each other */
  scenarioAt(index: number): Scenario {
    const { settings } = this.point(index);
    const scenario = this.#overrides[this.#scenarioIndex(index)]!.apply(settings);
    const called = JSON.stringify([scenario.name, settings]);
    return { ...scenario, seed: deriveSeed(scenario.seed, called) };
  }

  #base(index: number): Scenario {
    return this.request.scenarios[this.#scenarioIndex(index)]!;
  }

  #scenarioIndex(index: number): number {
    return Math.floor(index / this.#pointsPerScenario);
  }

  /**
   * The first line of the results.
   * @param origin what else results depend on: the program's version, calibrations
   */
  header(origin: unknown): SweepHeader {
    const { scenarios, axes, level, samples } = this.request;
    return {
      schema: 'tare.sweep/1',
      hash: createHash('sha256')
        .update(JSON.stringify([this.request, origin]))
        .digest('hex'),
      level,
      samples,
      scenarios: scenarios.map(({ name }) => name),
      axes,
      points: this.points,
    };
  }

  /**
   * Finds what nobody can have meant before anything is calculated: a value that no point of the grid can have.
   * @throws GridError
   */
  requireSensible(): void {
    if (this.points > MAX_POINTS) {
      const sizes = this.request.axes.map(({ name, values }) => `${name} ${values.length}`).join(' x ');
      throw new GridError(`that would be ${this.points} points (${sizes}): ${MAX_POINTS} is the most`);
    }
    let stride = this.#pointsPerScenario;
    for (const axis of this.request.axes) {
      stride /= axis.values.length;
      for (let i = 0; i < Math.min(axis.values.length, TRIED_VALUES); i++)
        this.#requireValue(axis, i, stride);
    }
  }

  /** @param stride points from one value of the axis to its next */
  #requireValue({ name, values }: GridAxis, value: number, stride: number): void {
    let complaint = '';
    const having = this.points / values.length;
    const step = Math.max(1, Math.floor(having / TRIED_POINTS));
    for (let nth = 0; nth < having; nth += step) {
      // The nth of the points that have the value: whole rounds of the axis, and a place in its stride.
      const index = Math.floor(nth / stride) * stride * values.length + value * stride + (nth % stride);
      try {
        this.scenarioAt(index);
        return;
      } catch (error) {
        if (!(error instanceof ScenarioError)) throw error;
        complaint ||= error.problems.find(({ field }) => field === name)?.message ?? '';
        // What is wrong elsewhere may be right at another point.
        if (error.problems.some(({ field }) => field !== name)) continue;
      }
    }
    if (complaint !== '') throw new GridError(`${name}=${values[value]}: ${complaint}`);
  }
}

/**
 * Axes under the short names of their fields: `network.mtu` and `mtu` are one.
 * @throws GridError for names that no scenario has, with the nearest ones, and for fields that two axes set
 */
export function gridAxes(axes: readonly GridAxis[]): GridAxis[] {
  const setBy = new Map<string, string>();
  return axes.map(({ name, values }) => {
    const fields = fieldsNamed(name);
    if (fields === null) throw new GridError(`there is no ${JSON.stringify(name)}: ${suggestField(name)}`);
    for (const field of fields) {
      const other = setBy.get(field);
      if (other !== undefined) throw new GridError(`${name} and ${other} set the same: give one of them`);
      setBy.set(field, name);
    }
    const short = shortFieldNames().find((each) => `${fieldsNamed(each)}` === `${fields}`);
    return { name: short ?? name, values };
  });
}
