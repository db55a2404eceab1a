// Merges the metrics of several roles: each sample gets a label `role`, each family has its HELP and TYPE once. Pure.
// Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

export interface RoleMetrics {
  readonly role: string;
  readonly text: string;
}

interface Family {
  readonly head: string[];
  readonly samples: string[];
}

const COMMENT = /^# (HELP|TYPE) (\S+)/;
const SUFFIX = /^_(bucket|sum|count|total|created)$/;
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?(\s.*)$/;

/** All lines of a family stay together, as the format requires; families keep the order of their first appearance. */
export function mergeMetrics(parts: readonly RoleMetrics[]): string {
  const families = new Map<string, Family>();
  for (const part of parts) addPart(families, part);
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples]);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function addPart(families: Map<string, Family>, { role, text }: RoleMetrics): void {
  const label = `role="${role.replaceAll(/[\\"\n]/g, '_')}"`;
  let current = '';
  for (const line of text.split('\n')) {
    const [, kind, family] = COMMENT.exec(line) ?? [];
    if (kind !== undefined && family !== undefined) {
      current = family;
      const { head } = familyOf(families, family);
      if (!head.some((known) => known.startsWith(`# ${kind} `))) head.push(line);
      continue;
    }
    const [, name, labels, rest] = SAMPLE.exec(line) ?? [];
    if (name === undefined) continue;
    const { samples } = familyOf(families, belongsTo(name, current) ? current : name);
    samples.push(`${name}{${label}${labels ? `,${labels}` : ''}}${rest}`);
  }
}

/** A histogram's samples have suffixes; a sample without a header before it is a family of its own. */
function belongsTo(name: string, family: string): boolean {
  return name === family || (name.startsWith(family) && SUFFIX.test(name.slice(family.length)));
}

function familyOf(families: Map<string, Family>, name: string): Family {
  const family = families.get(name) ?? { head: [], samples: [] };
  families.set(name, family);
  return family;
}
