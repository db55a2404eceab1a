import { expect, test } from 'vitest';
import { resolveProject } from '../../workers/config/resolve.ts';
import {
  allPartitions,
  asset,
  daily,
  dep,
  hourly,
  monthly,
  multiPartitions,
  samePartition,
  staticPartitions,
  weekly,
} from '../../workflows/model/define.ts';
import { ORIGIN, project, refused } from './sample-project.ts';

const ORDERS = 'shop/public.orders';
const orders = dep(ORDERS, { by: 'at', zone: 'Asia/Tokyo' });
const sql = 'select 1';
const day = daily({ start: '2026-01-01', output: 't' });
const region = staticPartitions(['eu', 'us'], { output: 'r' });

test('what the builders make is accepted, with the keys of dates as bounds', () => {
  const made = [
    asset('a/hour', {
      ...{ deps: [orders], sql },
      partitions: hourly({ start: '2026-01-01', end: '2027-01-01', timezone: 'Europe/Berlin', output: 't' }),
    }),
    asset('a/day', { deps: [orders], partitions: day, sql }),
    asset('a/week', {
      deps: [dep('a/day', { mapping: samePartition() })],
      partitions: weekly({ start: '2026-01-05', output: 't' }),
      sql,
    }),
    asset('a/month', {
      deps: [orders, dep('a/day', { mapping: allPartitions() })],
      partitions: monthly({ start: '2026-01-01', output: 't' }),
      sql,
    }),
    asset('a/both', {
      deps: [
        dep(ORDERS, { by: { day: 'at', region: 'country' } }),
        dep('a/day', { mapping: { day: samePartition({ start: -6 }) } }),
      ],
      ...{ partitions: multiPartitions({ day, region }), sql },
    }),
    asset('a/region', { deps: [ORDERS], partitions: region, sql }),
  ];
  const { graph } = resolveProject(project({ assets: made }), ORIGIN);
  const touches = graph.derived.map(({ key, inputs }) => [key, ...inputs.map(({ touch }) => touch.tag)]);
  expect(touches).toEqual([
    ['a/hour', 'partitions'],
    ['a/day', 'partitions'],
    ['a/week', 'mapped'],
    ['a/month', 'partitions', 'whole'],
    ['a/both', 'partitions', 'mapped'],
    ['a/region', 'whole'],
  ]);
  expect(graph.asset('a/hour').definition.partitions).toMatchObject({ start: '2026-01-01T00', end: '2027-01-01T00' });
  expect(graph.asset('a/month').definition.partitions).toMatchObject({ start: '2026-01', timezone: 'UTC' });
  expect(graph.asset('a/both').inputs[1]?.touch).toMatchObject({ mapping: [{ start: -6, end: 0 }, { kind: 'all' }] });
});

const days = { key: 'a/day', deps: [{ key: ORDERS, by: 'at' }], partitions: day, sql };
const reader = (mapping: unknown, more: object = {}) => [
  days,
  {
    key: 'a/r',
    deps: [
      { key: 'a/day', mapping },
      { key: ORDERS, by: 'at' },
    ],
    partitions: day,
    sql,
    ...more,
  },
];
const TEXT = 'must be samePartition(), allPartitions(), or one of these by dimension';

test.each<[string, readonly object[], string]>([
  ['is the function, not what it makes', reader(samePartition), TEXT],
  ['names a dimension that there is none of', reader({ dya: samePartition() }), 'a/r'],
  [
    'is of other partitions',
    reader(samePartition(), { partitions: region, deps: [{ key: 'a/day', mapping: samePartition() }] }),
    'maps daily partitions to static ones',
  ],
  [
    'is of a captured table',
    [
      {
        ...days,
        deps: [
          { key: ORDERS, mapping: allPartitions() },
          { key: 'shop/public.x', by: 'at' },
        ],
      },
    ],
    `maps the partitions of ${ORDERS}, which has none`,
  ],
  [
    'is of an asset without partitions',
    [days, { key: 'a/r', deps: [{ key: 'a/day', mapping: samePartition() }], sql }],
    'maps to partitions, but the asset has none',
  ],
  [
    'stands beside a column',
    [days, { ...days, key: 'a/r', deps: [{ key: 'a/day', by: 't', mapping: samePartition() }] }],
    'stands beside by',
  ],
])('a mapping is refused that %s', (_, assets, message) => {
  const failure = refused(project({ assets }));
  expect(failure.message).toMatch(/assets\[\d\]\.deps\[0\]\.mapping/);
  expect(failure.message).toContain(message === 'a/r' ? 'dya' : message);
});
