// The programs npm does not carry: which version, from where, how to recognise it. Checksums are of the release archives
// as published; the versions are the ones walflow is tested with.

export interface ProgramRelease {
  /** Name of the program file. */
  readonly program: string;
  /** What people call it. */
  readonly title: string;
  /** Environment variable that names a program file to use as it is. */
  readonly setting: string;
  /** Version that is fetched. */
  readonly version: string;
  /** Oldest version that is used when found. */
  readonly minimum: string;
  readonly versionArgs: readonly string[];
  /** First group: the version in that command's output. */
  readonly versionPattern: RegExp;
}

export const TEMPORAL_CLI: ProgramRelease = {
  program: 'temporal',
  title: 'the Temporal CLI',
  setting: 'WALFLOW_TEMPORAL_CLI',
  version: '1.9.1',
  minimum: '1.3.0',
  versionArgs: ['--version'],
  versionPattern: /temporal version (\d+\.\d+\.\d+)/,
};

export const WEED: ProgramRelease = {
  program: 'weed',
  title: 'SeaweedFS',
  setting: 'WALFLOW_WEED',
  version: '4.48',
  // Older ones let two conditional writers both win.
  minimum: '4.40',
  versionArgs: ['version'],
  versionPattern: /version \d+GB (\d+\.\d+)/,
};
