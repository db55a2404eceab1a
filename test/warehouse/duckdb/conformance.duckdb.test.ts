import { conformance } from '../conformance.ts';
import { TestWarehouse } from './warehouse.ts';

conformance(new TestWarehouse(), {});
