// Coordinates of the elements of a row-major array of up to four axes, the outermost (0) first; p.size_1 to p.size_3 are
// the lengths of the inner axes. `place` divides once. `next` steps from there, because a division for every element is
// expensive on a CPU driver. Appended to shaders whose invocations stride through such an array.

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
