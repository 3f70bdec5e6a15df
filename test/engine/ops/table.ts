import { convolutions } from './conv/table_conv.ts';
import { binaries } from './elementwise/table_binary.ts';
import { elementwise } from './elementwise/table_elementwise.ts';
import { unaries } from './elementwise/table_unary.ts';
import { lookups } from './lookup/table_lookup.ts';
import { classifying } from './loss/table_classify.ts';
import { losses } from './loss/table_loss.ts';
import { structural } from './loss/table_ssim.ts';
import { products } from './matmul/table_matmul.ts';
import { norms } from './norm/table_norm.ts';
import { reducing } from './reduce/table_reduce.ts';
import { resampling } from './resample/table_resample.ts';
import { permutations } from './shape/table_permute.ts';
import { pictureShapes } from './shape/table_pictures.ts';
import { shapes } from './shape/table_shape.ts';
import type { OpRow } from './table_row.ts';

/** Every operation, with what the generic tests need to know of it. A new operation is a new row. */
export const rows: OpRow[] = [
  ...unaries,
  ...binaries,
  ...elementwise,
  ...products,
  ...reducing,
  ...shapes,
  ...permutations,
  ...pictureShapes,
  ...lookups,
  ...resampling,
  ...norms,
  ...convolutions,
  ...classifying,
  ...losses,
  ...structural,
];
