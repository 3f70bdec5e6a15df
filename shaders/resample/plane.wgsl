// Joined to shaders whose lanes go through planes of `width` columns, LANES pixels at a time: the (row, column) LANES
// pixels on, without a division, which is dear on a CPU driver. See `planeGrid` in src/engine/ops/launch.ts.

fn next(at: vec2u) -> vec2u {
  let col = at.y + p.step_cols;
  let over = col >= p.width;
  return vec2u(at.x + p.step_rows + select(0u, 1u, over), select(col, col - p.width, over));
}
