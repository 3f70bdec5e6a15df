// Sum in a fixed order: each workgroup reduces 4,096 neighbouring elements to one. The host runs it again on its output
// until one element is left. The error of the sum of n elements grows like log n.
//
// Layout: x holds n floats, y one per workgroup. A workgroup is 64 invocations; invocation t adds the elements t,
// t + 64, t + 128 … of its block, then the 64 sums are folded pairwise in workgroup memory.

struct Params {
  n: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const BLOCK = 4096u;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let block = group.x + group.y * groups.x;
  let start = block * BLOCK;
  if (start >= p.n) {
    return;
  }
  let end = min(start + BLOCK, p.n);
  var sum = 0.0;
  for (var i = start + t; i < end; i += 64u) {
    sum += x[i];
  }
  sums[t] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) {
      sums[t] += sums[t + half];
    }
  }
  if (t == 0u) {
    y[block] = sums[0] * p.factor;
  }
}
