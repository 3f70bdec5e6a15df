// Dynamic loss scaling, for gradients that are stored as halves: the loss is multiplied by a scale, so that small
// gradients do not underflow, and the optimizer divides by it. `inspect` records whether a parameter's gradient has a
// value that is not finite; the optimizer skips such a step. `adjust`, once per step, then halves the scale, and
// doubles it after `patience` good steps in a row.
// Source: Micikevicius et al. 2018, "Mixed Precision Training".
//
// Layout: a flat array of n floats; the state is one word each. Invocations stride through the elements.

struct Params {
  n: u32,
  patience: u32,
  // The scale does not grow beyond it.
  most: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> overflow: array<atomic<u32>>;

@compute @workgroup_size(LANES)
fn inspect(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var bad = false;
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    // Test the bits: compilers may assume that no float is infinite or NaN.
    bad = bad | ((bitcast<u32>(g[i]) & 0x7f800000u) == 0x7f800000u);
  }
  if (bad) {
    atomicStore(&overflow[0], 1u);
  }
}

@group(0) @binding(3) var<storage, read_write> scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> good: array<u32>;

@compute @workgroup_size(1)
fn adjust() {
  let steps = good[0] + 1u;
  let failed = atomicExchange(&overflow[0], 0u) != 0u;
  let grows = !failed & (steps >= p.patience);
  scale[0] = select(select(scale[0], min(2.0 * scale[0], p.most), grows), 0.5 * scale[0], failed);
  good[0] = select(steps, 0u, failed | grows);
}
