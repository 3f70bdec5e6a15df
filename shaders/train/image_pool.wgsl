// A pool of generated pictures: a discriminator is shown either the newest picture or an older one. For picture n of
// the batch `plan` holds an action and a slot of the pool:
//   0 (fill)  show it, and keep it in the empty slot
//   1 (show)  show it, and do not keep it
//   2 (swap)  show the picture in the slot, and replace it by the new one
// Source: Shrivastava et al. 2017, "Learning from Simulated and Unsupervised Images through Adversarial Training"; as
// CycleGAN uses it.
//
// Layout: x and y are (batch, values), pool (slots, values). Each invocation takes one value of all pictures in turn,
// because two pictures of a batch may use one slot. Invocations stride through the values.

struct Params {
  // Values of a picture.
  n: u32,
  batch: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> plan: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> pool: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

const SHOW = 1u;
const SWAP = 2u;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    for (var n = 0u; n < p.batch; n++) {
      let action = plan[2u * n];
      let at = plan[2u * n + 1u] * p.n + i;
      let value = x[n * p.n + i];
      var shown = value;
      if (action == SWAP) {
        shown = pool[at];
      }
      if (action != SHOW) {
        pool[at] = value;
      }
      y[n * p.n + i] = shown;
    }
  }
}
