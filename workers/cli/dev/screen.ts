// Draws the live status until it is stopped: in place on a terminal, as plain lines every few seconds elsewhere.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Terminal } from '../terminal.ts';
import { plainStatus, renderStatus, type StatusView } from './status.ts';

const DRAW_EVERY_MS = 1_000;
const PLAIN_EVERY_MS = 5_000;

/** Messages that must stay visible go through `say`, so that the status is not drawn over them. */
export interface DevScreen {
  say(line: string): void;
  /** Draws until the signal aborts. */
  run(sample: () => Promise<StatusView>, signal: AbortSignal): Promise<void>;
  /** The last status stays; later messages come below it. */
  end(): void;
}

export function openDevScreen(terminal: Terminal): DevScreen {
  const screen = terminal.openScreen();
  let drawing = false;
  return {
    say: (line) => {
      if (screen !== null && drawing) screen.print(line);
      else terminal.out(line);
    },
    run: async (sample, signal) => {
      drawing = true;
      while (!signal.aborted) {
        const view = await sample();
        if (signal.aborted) break;
        if (screen === null) terminal.out(plainStatus(view));
        else screen.draw(renderStatus(view, terminal.width, terminal.colors));
        await sleep(screen === null ? PLAIN_EVERY_MS : DRAW_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    },
    end: () => {
      drawing = false;
      screen?.done();
    },
  };
}
