// The loop of an element-wise operation whose operands are broadcast: an operand is repeated along each axis where it
// has length 1. Appended to the operation's own text and to the text that src/engine/tape/elementwise.ts generates: the
// operands with a stride for each axis (0 where they are repeated), `result`, and `element(at)`, which applies the
// operation's function to the elements at the coordinates `at`. The host has merged the axes into four or fewer.
//
// Layout: flat arrays; the result has n elements, its axes from the outermost (0) to the innermost (3). Invocations
// stride through the result. Coordinates are computed by division once and then stepped, because a division for every
// element is expensive on a CPU driver.

// The coordinates of element i of the result.
fn place(i: u32) -> vec4u {
  let rows = i / p.size_3;
  let planes = rows / p.size_2;
  return vec4u(planes / p.size_1, planes % p.size_1, rows % p.size_2, i % p.size_3);
}

// Advances the coordinates by a fixed number of elements, given as `step` in coordinates. Each axis carries into the
// one before.
fn next(at: vec4u, step: vec4u) -> vec4u {
  var to = at + step;
  let over_3 = to.w >= p.size_3;
  to.w -= select(0u, p.size_3, over_3);
  to.z += select(0u, 1u, over_3);
  let over_2 = to.z >= p.size_2;
  to.z -= select(0u, p.size_2, over_2);
  to.y += select(0u, 1u, over_2);
  let over_1 = to.y >= p.size_1;
  to.y -= select(0u, p.size_1, over_1);
  to.x += select(0u, 1u, over_1);
  return to;
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let step = place(groups.x * LANES);
  var at = place(id.x);
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    result[i] = element(at);
    at = next(at, step);
  }
}
