// The loop of an element-wise operation whose operands have the result's shape, or are one number: no index arithmetic.
// Appended to the operation's own text and to the text that src/engine/tape/elementwise.ts generates: the operands,
// `result`, and `element(i)`, which applies the operation's function to element i of each operand.
//
// Layout: flat arrays of n elements. Invocations stride through them.

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    result[i] = element(i);
  }
}
