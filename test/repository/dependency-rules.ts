// What package.json promises to install: a package that product code imports must be there without the development
// dependencies, one that nothing imports should not be, and every one is explained in docs/dependencies.md.

import type { Document } from './document-rules.ts';
import type { SourceModule } from './source-module.ts';
import { isProduct } from './zone.ts';

export interface PackageJson {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export function importedDependencyViolations(
  { dependencies }: Pick<PackageJson, 'dependencies'>,
  modules: readonly SourceModule[],
): readonly string[] {
  return modules
    .filter(({ path }) => isProduct(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(
          ({ specifier, typeOnly }) => !typeOnly && isPackage(specifier) && !(packageOf(specifier) in dependencies),
        )
        .map(({ specifier, line }) => `${path}:${line} imports ${specifier}, which is no dependency`),
    );
}

/** A range would let two checkouts of one commit differ. */
export function versionViolations(versions: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(versions)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name}: "${version}" is not one exact version`);
}

export function explainedViolations(names: readonly string[], page: Document): readonly string[] {
  return names
    .filter((name) => !page.text.includes(`\`${name}\``))
    .map((name) => `${name}: not explained in ${page.path}`);
}

function isPackage(specifier: string): boolean {
  return !/^(\.|node:|walflow$)/.test(specifier);
}

/** `@scope/name` or `name`, without the path inside the package. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
