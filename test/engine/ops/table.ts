import { binaries } from './table_binary.ts';
import { classifying } from './table_classify.ts';
import { convolutions } from './table_conv.ts';
import { elementwise } from './table_elementwise.ts';
import { lookups } from './table_lookup.ts';
import { losses } from './table_loss.ts';
import { products } from './table_matmul.ts';
import { norms } from './table_norm.ts';
import { reducing } from './table_reduce.ts';
import { resampling } from './table_resample.ts';
import type { OpRow } from './table_row.ts';
import { shapes } from './table_shape.ts';
import { spatial } from './table_spatial.ts';
import { unaries } from './table_unary.ts';

/** Every operation, each with what the generic tests have to know of it: a new operation is a new row. */
export const rows: OpRow[] = [
  ...unaries,
  ...binaries,
  ...elementwise,
  ...products,
  ...reducing,
  ...shapes,
  ...lookups,
  ...spatial,
  ...resampling,
  ...norms,
  ...convolutions,
  ...classifying,
  ...losses,
];
