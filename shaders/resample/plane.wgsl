// Appended to shaders whose lanes walk through planes of `width` columns, LANES pixels at a time. Advances (row,
// column) by LANES pixels without a division, which is expensive on a CPU driver. See `planeGrid` in
// src/engine/ops/launch.ts.

fn next(at: vec2u) -> vec2u {
  let col = at.y + p.step_cols;
  let over = col >= p.width;
  return vec2u(at.x + p.step_rows + select(0u, 1u, over), select(col, col - p.width, over));
}
