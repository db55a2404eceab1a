// `walflow dev`: examine the sources, start the servers, follow live, stop in order. It ends on a signal, or when a server
// or worker cannot be kept alive.

import { forgetRunningDev, noteRunningDev } from '../../embedded/running-dev.ts';
import { startStack } from '../../embedded/stack.ts';
import type { Cli } from '../cli.ts';
import { examineSource } from '../source-access.ts';
import { EXIT, type ExitCode, type Terminal } from '../terminal.ts';
import { stackReporter } from './events.ts';
import { type Claims, leaveSources, readClaims } from './exit.ts';
import { waysToDrop } from './links.ts';
import { followLive } from './live.ts';
import { type DevFlags, neededServers, requireSensible, workerEnvironment } from './plan.ts';
import { type DevScreen, openDevScreen } from './screen.ts';
import { type DevSession, openDevSession } from './session.ts';

export async function runDev(cli: Cli, flags: DevFlags): Promise<ExitCode> {
  requireSensible(flags);
  const { terminal } = cli;
  const session = await openDevSession(cli, flags);
  const screen = openDevScreen(terminal);
  if (!flags.demo) await examineSources(session, screen);
  try {
    await runStack(session, screen, terminal);
  } catch (failure) {
    // After Ctrl-C during the start, whatever was starting fails because it was stopped.
    if (!terminal.signal.aborted) throw failure;
  }
  return EXIT.done;
}

async function examineSources({ project }: DevSession, screen: DevScreen): Promise<void> {
  for (const pipeline of project.pipelines.values()) {
    for (const notice of await examineSource(pipeline)) screen.say(`note: ${notice}`);
  }
}

async function runStack(session: DevSession, screen: DevScreen, terminal: Terminal): Promise<void> {
  const { settings, flags, home, project } = session;
  const stack = await startStack({
    home,
    env: session.env,
    need: neededServers(project, flags, settings),
    ports: {
      postgres: settings.postgresPort,
      s3: settings.s3Port,
      temporal: settings.temporalPort,
      temporalUi: settings.temporalUiPort,
    },
    onProgress: stackReporter(screen.say, (text) => process.stderr.write(text), terminal.live),
    signal: terminal.signal,
  });
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  terminal.signal.addEventListener('abort', stop, { once: true });
  const { httpPort, ingestHttpPort } = session;
  const env = workerEnvironment(session.env, home, { ...stack, httpPort, ingestHttpPort });
  const note = { project, env, ...(stack.s3 === undefined ? {} : { s3: stack.s3 }) };
  const living = noteRunningDev(home, note).then(() =>
    followLive({ session, stack, env, screen, terminal, signal: stopping.signal }),
  );
  try {
    const failure = await Promise.race([stack.failed, living, aborted(terminal.signal)]);
    if (failure instanceof Error) throw failure;
  } finally {
    stop();
    screen.end();
    screen.say('stopping …');
    await forgetRunningDev(home).catch(() => undefined);
    const claims = await readClaims([...project.pipelines.values()], { home, s3: stack.s3 });
    for (const text of flags.demo ? await lastWords(session, claims) : []) screen.say(text);
    await stack.stop();
    await living.catch(() => undefined);
    for (const text of flags.demo ? [] : await lastWords(session, claims)) screen.say(text);
  }
}

/** The demo's own Postgres must be read before it stops; a user's source once nothing reads its slot any more. */
function lastWords({ project, flags, env, home }: DevSession, claims: Claims): Promise<readonly string[]> {
  return leaveSources([...project.pipelines.values()], {
    claims,
    dropSlots: flags.dropSlotOnExit === true,
    streaming: flags.demo === true,
    waysToDrop: (pipeline) => waysToDrop(env, flags, home, pipeline),
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
