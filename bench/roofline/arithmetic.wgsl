// The ceiling of arithmetic: every invocation runs 16 chains of multiply-adds that do not wait for each other, all in
// registers. It loads nothing, and stores one value at the end, so that no compiler can drop the work.
//
// Layout: y has one element for each invocation. FMA selects how a multiply-add is written: drivers differ in which
// form runs faster. One round is 8 multiply-adds of each chain.

struct Params {
  n: u32,
  rounds: u32,
  a: f32,
  b: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn step(x: vec4f) -> vec4f {
  if (FMA) {
    return fma(x, vec4f(p.a), vec4f(p.b));
  }
  return x * p.a + p.b;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  var c0 = vec4f(f32(i)) + vec4f(0.0, 0.1, 0.2, 0.3);
  var c1 = c0 + 0.4;
  var c2 = c0 + 0.8;
  var c3 = c0 + 1.2;
  for (var r = 0u; r < p.rounds; r++) {
    for (var k = 0u; k < 8u; k++) {
      c0 = step(c0);
      c1 = step(c1);
      c2 = step(c2);
      c3 = step(c3);
    }
  }
  if (i < p.n) {
    y[i] = dot(c0 + c1 + c2 + c3, vec4f(1.0));
  }
}
