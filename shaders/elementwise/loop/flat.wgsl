// The loop of an element-wise operation whose operands have the result's shape, or are one number: no index arithmetic.
// Joined behind the operation's own text and what src/engine/tape/elementwise.ts writes: the operands, `result`, and
// `element(i)`, which is the operation's function of element i of each.
//
// Layout: flat arrays of n elements. Invocations stride through them.

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    result[i] = element(i);
  }
}
