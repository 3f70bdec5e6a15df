// Appended to shaders whose lanes walk through rows of `width` columns, LANES pixels at a time. Advances (row, column) by
// LANES pixels without a division, which is expensive on a CPU driver: p.step_rows and p.step_cols are LANES pixels as
// rows and columns. See `planeGrid` in src/engine/ops/launch.ts.

fn next(at: vec2u, width: u32) -> vec2u {
  let col = at.y + p.step_cols;
  let over = col >= width;
  return vec2u(at.x + p.step_rows + select(0u, 1u, over), select(col, col - width, over));
}
