// A warehouse that knows what is due and which runs have not ended, in memory, for the workflows of a stage.

import type { PlannedRun, RunStep, StepOutcome } from '../../workflows/model/asset/run.ts';
import type { DecideInput, DecideResult, EndRunInput, RunStepInput } from '../../workflows/model/run.ts';
import type { Script } from './stage.ts';

export const DONE: StepOutcome = { status: 'succeeded', partitions: 1, unchanged: 0, rows: 3 };
let runs = 0;

interface Options {
  /** What a step does. */
  readonly outcome?: (asset: string) => Promise<StepOutcome>;
  readonly everyMs?: Readonly<Record<string, number>>;
}

export class ScriptedRuns {
  /** Assets, in the order in which their steps began. */
  readonly steps: string[] = [];
  readonly ended: EndRunInput[] = [];
  readonly decisions: DecideInput[] = [];
  readonly #due = new Map<string, number>();
  readonly #live = new Map<string, PlannedRun>();
  readonly #options: Options;
  readonly #name = `r${++runs}`;
  #changes = 0;

  constructor(options: Options = {}) {
    this.#options = options;
  }

  /** Makes assets due. */
  change(...assets: readonly string[]): void {
    for (const asset of assets) this.#due.set(asset, ++this.#changes);
  }

  /** A run that stands in the warehouse, as one that was decided. */
  plan(steps: readonly RunStep[], id = `${this.#name}-${++runs}`): PlannedRun {
    const run: PlannedRun = { id, cause: { kind: 'automation' }, steps };
    this.#live.set(run.id, run);
    return run;
  }

  get live(): readonly PlannedRun[] {
    return [...this.#live.values()];
  }

  get script() {
    return {
      decideRuns: async (input: DecideInput) => this.#decide(input),
      runStep: async ({ asset }: RunStepInput) => {
        this.steps.push(asset);
        const seen = this.#due.get(asset);
        const outcome = await (this.#options.outcome ?? (async () => DONE))(asset);
        if (this.#due.get(asset) === seen) this.#due.delete(asset);
        return outcome;
      },
      endRun: async (input: EndRunInput) => {
        this.ended.push(input);
        if (input.status !== null) this.#live.delete(input.run);
      },
    } satisfies Script;
  }

  #decide(input: DecideInput): DecideResult {
    this.decisions.push(input);
    const { everyMs = {} } = this.#options;
    const live = this.live;
    const busy = new Set(live.flatMap(({ steps }) => steps.map(({ asset }) => asset)));
    const due = [...this.#due.keys()].filter((asset) => !busy.has(asset));
    const everyOf = (asset: string) => everyMs[asset] ?? 0;
    const open = due.filter((asset) => !input.closed.includes(everyOf(asset)));
    const later = due.filter((asset) => input.closed.includes(everyOf(asset))).map(everyOf);
    const steps = open.map((asset, no) => ({ no, asset, after: [], follows: false }));
    const run = steps.length === 0 ? null : this.plan(steps);
    return { run, decided: open.map(everyOf), later, live: input.look ? live : [] };
  }
}
