// The loop of an element-wise operation whose operands are broadcast: an operand is repeated along each axis where it
// has length 1. Appended to the operation's own text and to the text that src/engine/tape/elementwise.ts generates: the
// operands with a stride for each axis (0 where they are repeated), `result`, and `element(at)`, which applies the
// operation's function to the elements at the coordinates `at`. The host has merged the axes into four or fewer.
//
// Layout: flat arrays; the result has n elements, its axes from the outermost (0) to the innermost (3). Invocations
// stride through the result by coordinates.wgsl, which is appended.

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let step = place(groups.x * LANES);
  var at = place(id.x);
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    result[i] = element(at);
    at = next(at, step);
  }
}
