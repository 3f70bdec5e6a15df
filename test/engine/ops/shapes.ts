import fc from 'fast-check';

/** Any shape of rank 1–4 for element-wise operations; sometimes more than one workgroup long. */
export const anyShape: fc.Arbitrary<number[]> = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
  fc.tuple(fc.integer({ min: 1, max: 200 })),
);

/** Long enough for the second dimension of a one-dimensional dispatch: more than 65,535 workgroups of 64. */
export const TWO_DIMENSIONAL = [65535 * 64 + 77];

/**
 * This many shapes that broadcast to one of up to six axes: leading axes missing, others 1 long; sometimes all equal.
 */
export function broadcastShapes(count: number): fc.Arbitrary<number[][]> {
  const axis = fc.record({
    length: fc.integer({ min: 1, max: 4 }),
    repeated: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
  });
  const operand = fc.record({ missing: fc.integer({ min: 0, max: 2 }), none: fc.boolean() });
  return fc
    .record({
      axes: fc.array(axis, { minLength: 1, maxLength: 6 }),
      operands: fc.array(operand, { minLength: count, maxLength: count }),
    })
    .map(({ axes, operands }) =>
      operands.map(({ missing, none }, i) => {
        const full = axes.map(({ length, repeated }) => (repeated[i] && !none ? 1 : length));
        return full.slice(none ? 0 : Math.min(missing, full.length - 1));
      }),
    );
}

/** ± values up to 2, and some large ones for which a naive formula overflows. */
export function wide(random: () => number, count: number): number[] {
  return Array.from({ length: count }, () => (2 * random() - 1) * (random() < 0.2 ? 100 : 2));
}

export type Four = [number, number, number, number];

export const side = (max: number) => fc.oneof(fc.constant(1), fc.integer({ min: 1, max }));
/** (N, C, H, W), each side at least 1, no more than a few hundred values. */
export const pictures: fc.Arbitrary<Four> = fc.tuple(side(3), side(3), side(7), side(7));

export function four(shape: readonly number[]): Four {
  if (shape.length !== 4) throw new Error(`[${shape}] are not four sides`);
  return shape as Four;
}

/** (N, classes), sometimes with a plane. */
export const logitShape: fc.Arbitrary<number[]> = fc
  .tuple(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 7 }),
    fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
  )
  .map(([n, classes, plane]) => [n, classes, ...plane]);
