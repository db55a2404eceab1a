// What happens in the demo shop, transaction by transaction: a pure generator of SQL that depends only on its seed. Ids come
// from the database's own sequences, so you can insert rows by hand; a statement that picks a row takes the nearest one that
// exists, so rows that were deleted meanwhile do no harm.

import { between, oneOf, type Random } from './random.ts';
import { descriptionSql, SHOP_DAYS } from './shop-schema.ts';

export interface ShopStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Statements of one transaction, in order. */
export type ShopTransaction = readonly ShopStatement[];

/** Highest id each sequence has given so far; picks are made at or below it. */
export interface ShopIds {
  readonly customers: number;
  readonly products: number;
  readonly orders: number;
}

type Scene = (shop: ShopTraffic) => ShopTransaction;

const DAY_SECONDS = 86_400;
const COUNTRIES = ['AT', 'BR', 'DE', 'FR', 'IN', 'JP', 'KE', 'US'] as const;
const KINDS = ['view', 'search', 'cart', 'checkout'] as const;
const STATUSES = ['paid', 'packed', 'shipped', 'delivered', 'returned'] as const;

/** How often each thing happens; together they produce every kind of change. */
const DECK: readonly Scene[] = [
  ...times(30, (shop) => shop.placeOrder()),
  ...times(24, (shop) => shop.moveOrder()),
  ...times(20, (shop) => shop.browse()),
  ...times(8, (shop) => shop.register()),
  ...times(7, (shop) => shop.reprice()),
  ...times(4, (shop) => shop.cancelOrder()),
  ...times(3, (shop) => shop.moveHouse()),
  ...times(2, (shop) => shop.renumberLine()),
  ...times(1, (shop) => shop.rewriteDescription()),
  ...times(1, (shop) => shop.backdateOrder()),
];

export class ShopTraffic {
  readonly #random: Random;
  readonly #burst: number;
  readonly #ids: { customers: number; products: number; orders: number };

  /** @param burst multiplies the rows of multi-row statements: high rates need larger transactions, not more of them */
  constructor(random: Random, ids: ShopIds, burst: number) {
    this.#random = random;
    this.#ids = { ...ids };
    this.#burst = burst;
  }

  /** The next transaction: 1 to about 8 rows, times the burst where many rows are written at once. */
  next(): ShopTransaction {
    return oneOf(this.#random, DECK)(this);
  }

  /** Two tables in one transaction: an order and its lines appear together or not at all. */
  placeOrder(): ShopTransaction {
    return this.#list(this.#burst, () => this.#oneOrder()).flat();
  }

  #oneOrder(): ShopTransaction {
    this.#ids.orders += 1;
    const count = between(this.#random, 1, 4);
    const agoSeconds = this.#random() < 0.1 ? between(this.#random, 0, SHOP_DAYS * DAY_SECONDS) : 0;
    const quantities = this.#list(count, () => between(this.#random, 1, 5));
    const prices = this.#list(count, () => this.#price());
    const products = this.#list(count, () => between(this.#random, 1, this.#ids.products));
    return [
      {
        text: `insert into public.orders (customer_id, total, created_at)
select $1, sum(quantity * price), now() - make_interval(secs => $2)
from unnest($3::int[], $4::numeric[]) line(quantity, price)`,
        values: [this.#customer(), agoSeconds, quantities, prices],
      },
      {
        text: `insert into public.order_items (order_id, line_no, product_id, quantity, price)
select currval('public.orders_id_seq'), line_no, product_id, quantity, price
from unnest($1::bigint[], $2::int[], $3::numeric[]) with ordinality line(product_id, quantity, price, line_no)`,
        values: [products, quantities, prices],
      },
    ];
  }

  /** An order gets its next status, and the customer's event about that commits with it. */
  moveOrder(): ShopTransaction {
    const status = oneOf(this.#random, STATUSES);
    const order = this.#order();
    return [
      {
        text: `update public.orders set status = $1, updated_at = now() where id = ${nearest('orders', '$2')}`,
        values: [status, order],
      },
      {
        text: 'insert into public.events (customer_id, kind, payload) values ($1, $2, $3)',
        values: [this.#customer(), 'order', JSON.stringify({ order, status })],
      },
    ];
  }

  /** Many rows of one statement can share an LSN; only commit LSN and ordinal order them. */
  browse(): ShopTransaction {
    const count = between(this.#random, 1, 6) * this.#burst;
    return [
      {
        text: `insert into public.events (customer_id, kind, payload)
select * from unnest($1::bigint[], $2::text[], $3::jsonb[])`,
        values: [
          this.#list(count, () => this.#customer()),
          this.#list(count, () => oneOf(this.#random, KINDS)),
          this.#list(count, () =>
            JSON.stringify({ page: `/p/${between(this.#random, 1, 100)}`, ms: between(this.#random, 5, 900) }),
          ),
        ],
      },
    ];
  }

  register(): ShopTransaction {
    return this.#list(this.#burst, () => {
      this.#ids.customers += 1;
      const handle = Math.floor(this.#random() * 2 ** 32).toString(36);
      return {
        text: 'insert into public.customers (email, name, country) values ($1, $2, $3)',
        values: [`${handle}@example.com`, `Customer ${handle}`, oneOf(this.#random, COUNTRIES)],
      };
    });
  }

  /** Does not touch the TOASTed description: the WAL leaves it out as unchanged, and the merge must keep it. */
  reprice(): ShopTransaction {
    return [
      {
        text: `update public.products set price = $1 where id = ${nearest('products', '$2')}`,
        values: [this.#price(), between(this.#random, 1, this.#ids.products)],
      },
    ];
  }

  /** Deletes from two tables; the lines may be several rows. */
  cancelOrder(): ShopTransaction {
    const order = this.#order();
    return [
      { text: `delete from public.order_items where order_id = ${nearest('orders', '$1')}`, values: [order] },
      { text: `delete from public.orders where id = ${nearest('orders', '$1')}`, values: [order] },
    ];
  }

  /** Changes one row twice in one transaction: the later change wins. */
  moveHouse(): ShopTransaction {
    const customer = this.#customer();
    const move = `update public.customers set country = $1 where id = ${nearest('customers', '$2')}`;
    return [
      { text: move, values: [oneOf(this.#random, COUNTRIES), customer] },
      { text: move, values: [oneOf(this.#random, COUNTRIES), customer] },
    ];
  }

  /** A change of key: line 1 of an order gets a line number that was never used. */
  renumberLine(): ShopTransaction {
    return [
      {
        text: `update public.order_items
set line_no = (select max(line_no) + 1 from public.order_items where order_id = ${nearest('orders', '$1')})
where order_id = ${nearest('orders', '$1')} and line_no = 1`,
        values: [this.#order()],
      },
    ];
  }

  rewriteDescription(): ShopTransaction {
    return [
      {
        text: `update public.products set description = ${descriptionSql('$1::text')}
where id = ${nearest('products', '$2')}`,
        values: [String(this.#random()), between(this.#random, 1, this.#ids.products)],
      },
    ];
  }

  /** The order leaves one day and enters another: both days of a daily asset are touched. */
  backdateOrder(): ShopTransaction {
    return [
      {
        text: `update public.orders set created_at = created_at - interval '1 day', updated_at = now()
where id = ${nearest('orders', '$1')} and created_at > now() - make_interval(days => ${SHOP_DAYS})`,
        values: [this.#order()],
      },
    ];
  }

  #list<T>(count: number, make: () => T): readonly T[] {
    return Array.from({ length: count }, make);
  }

  #customer(): number {
    return between(this.#random, 1, this.#ids.customers);
  }

  /** Young orders change more often than old ones. */
  #order(): number {
    return Math.max(1, Math.ceil(this.#ids.orders * (1 - this.#random() ** 3)));
  }

  #price(): string {
    return (between(this.#random, 100, 9_999) / 100).toFixed(2);
  }
}

/** The existing row nearest at or above an id. */
function nearest(table: string, parameter: string): string {
  return `(select id from public.${table} where id >= ${parameter}::bigint order by id limit 1)`;
}

function times(count: number, scene: Scene): readonly Scene[] {
  return new Array<Scene>(count).fill(scene);
}
